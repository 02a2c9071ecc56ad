package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
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

	"triptych/e2e/metrictest"
	"triptych/internal/telemetry"
	"triptych/picture"
)

func inECS(name string) string {
	return map[string]string{"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/x"}[name]
}

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
		"failure_that_an_operator_must_fix_is_a_refusal": {temporal.NewApplicationError("refused", string(picture.Forbidden)), "Forbidden"},
		"failure_without_a_kind_is_logged_as_unexpected": {temporal.NewApplicationError("message", ""), "unexpected"},
		"other_error_is_logged_as_unexpected":            {errors.New("message"), "unexpected"},
		"cancellation_is_logged_as_unexpected":           {context.Canceled, "unexpected"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			slog.SetDefault(telemetry.NewLogger(&log, inECS))
			measured := metrictest.Start(t)
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&attempts{}}})
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
			attributes := " triptych.outcome=" + test.outcome + " triptych.step=persist"
			want := map[string]int64{"triptych.step.attempts" + attributes: 1, "triptych.step.duration" + attributes: 1, "triptych.step.wait" + attributes: 1}
			if test.outcome == "Forbidden" {
				want["triptych.step.refusals"+attributes] = 1
			}
			if got := measured(); !maps.Equal(got, want) {
				t.Errorf("measured %v, want %v", got, want)
			}
		})
	}
	t.Run("wait_of_a_sweep_is_not_measured", func(t *testing.T) {
		measured := metrictest.Start(t)
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&attempts{}}})
		env.RegisterActivityWithOptions(func(context.Context) error { return nil }, activity.RegisterOptions{Name: picture.SweepPageActivity})
		if _, err := env.ExecuteActivity(picture.SweepPageActivity); err != nil {
			t.Fatal(err)
		}
		const attributes = " triptych.outcome=done triptych.step=" + picture.SweepPageActivity
		if got, want := measured(), map[string]int64{"triptych.step.attempts" + attributes: 1, "triptych.step.duration" + attributes: 1}; !maps.Equal(got, want) {
			t.Errorf("measured %v, want %v", got, want)
		}
	})
	t.Run("workflow_ID_is_logged", func(t *testing.T) {
		var log bytes.Buffer
		slog.SetDefault(telemetry.NewLogger(&log, inECS))
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		id := picture.NewID(env.Now(), rand.Text())
		env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: id.WorkflowID(), TaskQueue: picture.PicturesQueue})
		env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&attempts{}}})
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
		if len(lines) != 1 || lines[0].Workflow != id.WorkflowID() {
			t.Errorf("the log is %s", log.Bytes())
		}
	})
}

func TestGracefulStop(t *testing.T) {
	errOther := errors.New("other error")
	for _, tt := range []struct {
		name     string
		activity func(context.Context) error
		kind     picture.Kind // of the failure; "" if err is returned unchanged
		err      error
	}{
		{name: "activity_that_ends_in_time_succeeds", activity: func(context.Context) error { return nil }},
		{name: "activity_that_fails_in_time_keeps_its_error", activity: func(context.Context) error { return errOther }, err: errOther},
		{name: "cancelled_activity_is_retried_immediately", activity: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}, kind: picture.Unavailable},
		{name: "activity_that_succeeds_after_cancellation_succeeds", activity: func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		}},
		{name: "rejection_after_cancellation_remains_final", activity: func(ctx context.Context) error {
			<-ctx.Done()
			return temporal.NewNonRetryableApplicationError("Not an image", string(picture.BadImage), nil)
		}, kind: picture.BadImage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := executeWhileStopping(tt.activity)
			if tt.kind == "" {
				if !errors.Is(err, tt.err) {
					t.Errorf("the activity returned %v, want %v", err, tt.err)
				}
				return
			}
			failure, ok := errors.AsType[*temporal.ApplicationError](err)
			if !ok || failure.Type() != string(tt.kind) {
				t.Fatalf("the activity returned %v, want a failure of kind %s", err, tt.kind)
			}
			retried := tt.kind == picture.Unavailable
			if failure.NonRetryable() == retried || retried != (failure.NextRetryDelay() > 0) {
				t.Errorf("the failure is final: %t, and the next attempt follows after %s", failure.NonRetryable(), failure.NextRetryDelay())
			}
		})
	}
}

func executeWhileStopping(f func(context.Context) error) error {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	var recorder errorRecorder
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&recorder, &attempts{}}})
	stop := make(chan struct{})
	env.SetWorkerStopChannel(stop)
	close(stop)
	env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: "activity"})
	_, _ = env.ExecuteActivity("activity") // loses NextRetryDelay; recorder has the original error
	return recorder.err
}

type errorRecorder struct {
	interceptor.WorkerInterceptorBase
	err error
}

func (r *errorRecorder) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &recordedActivity{interceptor.ActivityInboundInterceptorBase{Next: next}, r}
}

type recordedActivity struct {
	interceptor.ActivityInboundInterceptorBase
	*errorRecorder
}

func (a *recordedActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	result, err := a.Next.ExecuteActivity(ctx, in)
	a.err = err
	return result, err
}

func TestActivityEndsBeforeTemporalsTimeout(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&attempts{}}})
	env.RegisterActivityWithOptions(func(ctx context.Context) error {
		own, _ := ctx.Deadline()
		if info := activity.GetInfo(ctx); info.Deadline.Sub(own) < info.StartToCloseTimeout/11 {
			t.Errorf("the activity ends at %s, Temporal's timeout is at %s", own, info.Deadline)
		}
		return nil
	}, activity.RegisterOptions{Name: "persist"})
	if _, err := env.ExecuteActivity("persist"); err != nil {
		t.Error(err)
	}
}
