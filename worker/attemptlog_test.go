package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"triptych/picture"
)

func TestAttempts(t *testing.T) {
	t.Setenv("ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/x")
	standard := slog.Default()
	t.Cleanup(func() { slog.SetDefault(standard) })

	for name, test := range map[string]struct {
		err     error
		outcome string
	}{
		"a_step_that_is_done_is_written_down":       {nil, "done"},
		"a_step_that_failed_is_with_its_kind":       {temporal.NewApplicationError("wait", string(picture.Throttled)), "Throttled"},
		"a_failure_without_a_kind_is_unforeseen":    {temporal.NewApplicationError("oh", ""), "unforeseen"},
		"an_error_of_no_kind_at_all_is_unforeseen":  {errors.New("oh"), "unforeseen"},
		"the_step_itself_is_told_nothing_different": {context.Canceled, "unforeseen"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			slog.SetDefault(slog.New(handler(&log)))
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&attempts{}}})
			env.RegisterActivityWithOptions(func(context.Context) error { return test.err }, activity.RegisterOptions{Name: "persist"})
			if _, err := env.ExecuteActivity("persist"); (err != nil) != (test.err != nil) {
				t.Fatalf("answered %v, not %v", err, test.err)
			}
			var line struct {
				Msg, Step, Outcome string
				Attempt            int
				Seconds, Waited    *float64
			}
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatalf("%v in %s", err, log.Bytes())
			}
			if line.Msg != "step" || line.Step != "persist" || line.Outcome != test.outcome || line.Seconds == nil || *line.Seconds < 0 || line.Waited == nil {
				t.Errorf("wrote %s", log.Bytes())
			}
		})
	}
}
