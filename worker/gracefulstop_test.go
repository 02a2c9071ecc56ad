package main

import (
	"context"
	"errors"
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"triptych/picture"
)

func TestHandOver(t *testing.T) {
	lost := errors.New("lost")
	for _, tt := range []struct {
		outcome string
		attempt func(context.Context) error // of a worker that is stopping
		fails   picture.Kind                // "" for success
		passed  error
	}{
		{outcome: "what_ends_soon_is_kept", attempt: func(context.Context) error { return nil }},
		{outcome: "what_fails_soon_fails_as_ever", attempt: func(context.Context) error { return lost }, passed: lost},
		{outcome: "what_does_not_end_is_handed_over_at_once", attempt: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}, fails: picture.Unavailable},
		{outcome: "what_ends_all_the_same_is_kept", attempt: func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		}},
		{outcome: "a_verdict_is_kept", attempt: func(ctx context.Context) error {
			<-ctx.Done()
			return failure(&picture.Error{Kind: picture.BadImage, Message: "no image"})
		}, fails: picture.BadImage},
	} {
		t.Run(tt.outcome, func(t *testing.T) {
			t.Parallel()
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			returned := &returned{}
			env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{returned, &HandOver{}}})
			stop := make(chan struct{})
			env.SetWorkerStopChannel(stop)
			close(stop)
			env.RegisterActivityWithOptions(tt.attempt, activity.RegisterOptions{Name: "attempt"})
			_, _ = env.ExecuteActivity("attempt") // what it returned is in returned
			if tt.fails == "" {
				if !errors.Is(returned.err, tt.passed) {
					t.Errorf("it returned %v, want %v", returned.err, tt.passed)
				}
				return
			}
			failure := fails(t, returned.err, tt.fails)
			if handed := tt.fails == picture.Unavailable; handed != (failure.NextRetryDelay() > 0) {
				t.Errorf("the next attempt comes after %s", failure.NextRetryDelay())
			}
		})
	}
}
