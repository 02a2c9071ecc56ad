package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"triptych/internal/telemetry"
	"triptych/picture"
)

// inECS is the environment of a worker in ECS, where the log is JSON.
func inECS(name string) string {
	return map[string]string{"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/x"}[name]
}

// attemptLine is a line of attemptLog. terraform/monitoring.tf reads these keys.
type attemptLine struct {
	Msg, Step, Outcome, Workflow string
	Attempt                      int
	Seconds, Waited              *float64
}

func TestAttemptLog(t *testing.T) {
	previous := slog.Default()
	t.Cleanup(func() { slog.SetDefault(previous) })
	for name, test := range map[string]struct {
		err     error
		outcome string
	}{
		"success_is_logged_as_done":                      {nil, "done"},
		"failure_is_logged_with_its_kind":                {temporal.NewApplicationError("wait", string(picture.Throttled)), "Throttled"},
		"failure_without_a_kind_is_logged_as_unexpected": {temporal.NewApplicationError("message", ""), "unexpected"},
		"other_error_is_logged_as_unexpected":            {errors.New("message"), "unexpected"},
		"cancellation_is_logged_as_unexpected":           {context.Canceled, "unexpected"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			slog.SetDefault(telemetry.NewLogger(&log, inECS))
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&attemptLog{}}})
			env.RegisterActivityWithOptions(func(context.Context) error { return test.err }, activity.RegisterOptions{Name: "persist"})
			if _, err := env.ExecuteActivity("persist"); (err != nil) != (test.err != nil) {
				t.Fatalf("the activity returned %v, want %v", err, test.err)
			}
			var line attemptLine
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatalf("decoding %s: %v", log.Bytes(), err)
			}
			if line.Msg != "step" || line.Step != "persist" || line.Outcome != test.outcome || line.Seconds == nil || *line.Seconds < 0 || line.Waited == nil {
				t.Errorf("the log is %s", log.Bytes())
			}
		})
	}
	t.Run("workflow_ID_is_logged_redacted", func(t *testing.T) {
		var log bytes.Buffer
		slog.SetDefault(telemetry.NewLogger(&log, inECS))
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		id := picture.NewID(env.Now())
		env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: id.WorkflowID(), TaskQueue: picture.PicturesQueue})
		env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&attemptLog{}}})
		env.RegisterActivityWithOptions(func(context.Context) error { return nil }, activity.RegisterOptions{Name: "persist"})
		env.ExecuteWorkflow(func(ctx workflow.Context) error {
			ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
			return workflow.ExecuteActivity(ctx, "persist").Get(ctx, nil)
		})
		if err := env.GetWorkflowError(); err != nil {
			t.Fatal(err)
		}
		var lines []attemptLine
		for raw := range strings.Lines(log.String()) {
			var line attemptLine
			if err := json.Unmarshal([]byte(raw), &line); err != nil {
				t.Fatalf("decoding %s: %v", raw, err)
			}
			lines = append(lines, line)
		}
		if len(lines) != 1 || lines[0].Workflow != "picture/"+id.Redacted() || strings.Contains(log.String(), string(id)) {
			t.Errorf("the log is %s", log.Bytes())
		}
	})
}
