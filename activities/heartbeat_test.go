package activities

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
)

func TestHeartbeat(t *testing.T) {
	for name, c := range map[string]struct {
		cause  error
		cancel bool
	}{
		"heartbeat_timeout_does_not_cancel_the_call":          {serviceerror.NewDeadlineExceeded("context deadline exceeded"), false},
		"unavailable_Temporal_does_not_cancel_the_call":       {serviceerror.NewUnavailable("connection refused"), false},
		"throttling_by_Temporal_does_not_cancel_the_call":     {serviceerror.NewResourceExhausted(0, "slow down"), false},
		"attempt_unknown_to_Temporal_cancels_the_call":        {serviceerror.NewNotFound("the workflow was terminated"), true},
		"reset_by_the_operator_cancels_the_call":              {activity.ErrActivityReset, true},
		"graceful_shutdown_of_the_worker_cancels_the_call":    {errors.New("the worker is shutting down"), true},
		"start_to_close_timeout_of_the_attempt_cancels_calls": {context.DeadlineExceeded, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempt, end := context.WithTimeout(t.Context(), time.Second)
				defer end()
				ctx, cancel := context.WithCancelCause(attempt)
				alive, stop := heartbeat(ctx)
				defer stop()
				cancel(c.cause)
				synctest.Wait() // until the cancellation has propagated
				cancelled := alive.Err() != nil
				if cancelled != c.cancel || cancelled && !errors.Is(context.Cause(alive), c.cause) {
					t.Errorf("cancelled is %t, with cause %v", cancelled, context.Cause(alive))
				}
			})
		})
	}
	t.Run("timeout_of_the_attempt_cancels_the_call_after_a_failed_heartbeat", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			attempt, end := context.WithTimeout(t.Context(), time.Second) // before the first heartbeat
			defer end()
			ctx, cancel := context.WithCancelCause(attempt)
			alive, stop := heartbeat(ctx)
			defer stop()
			cancel(serviceerror.NewUnavailable("connection refused"))
			time.Sleep(time.Second)
			synctest.Wait()
			if !errors.Is(alive.Err(), context.DeadlineExceeded) {
				t.Errorf("got %v after the timeout, want %v", alive.Err(), context.DeadlineExceeded)
			}
		})
	})
}
