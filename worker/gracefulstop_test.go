package main

import (
	"context"
	"errors"
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"triptych/picture"
)

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

// executeWhileStopping executes f as an activity of a worker that is shutting down, and returns its error.
func executeWhileStopping(f func(context.Context) error) error {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	var recorder errorRecorder
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&recorder, &gracefulStop{}}})
	stop := make(chan struct{})
	env.SetWorkerStopChannel(stop)
	close(stop)
	env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: "activity"})
	_, _ = env.ExecuteActivity("activity") // loses NextRetryDelay; recorder has the original error
	return recorder.err
}

// errorRecorder is an interceptor that records the error of an activity.
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
