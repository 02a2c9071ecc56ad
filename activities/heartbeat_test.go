package activities

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
)

// A heartbeat that nobody answers is no reason to give up a call that is paid; whatever Temporal does answer is.
func TestHeartbeatCauses(t *testing.T) {
	for name, c := range map[string]struct {
		cause error
		goes  bool // the call goes on
	}{
		"the_call_goes_on_when_a_heartbeat_times_out":           {serviceerror.NewDeadlineExceeded("context deadline exceeded"), true},
		"the_call_goes_on_when_Temporal_is_away":                {serviceerror.NewUnavailable("connection refused"), true},
		"the_call_goes_on_when_Temporal_asks_for_patience":      {serviceerror.NewResourceExhausted(0, "slow down"), true},
		"the_call_ends_when_Temporal_knows_the_attempt_no_more": {serviceerror.NewNotFound("the run was terminated"), false},
		"the_call_ends_when_the_operator_resets_it":             {activity.ErrActivityReset, false},
		"the_call_ends_when_its_worker_hands_over":              {errStopping, false},
		"the_call_ends_when_its_time_is_over":                   {context.DeadlineExceeded, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancelCause(t.Context())
				alive, stop := heartbeat(ctx)
				defer stop()
				end(c.cause)
				synctest.Wait() // whatever follows from it has followed
				if ended := alive.Err() != nil; ended == c.goes || ended && !errors.Is(context.Cause(alive), c.cause) {
					t.Errorf("it ended: %v, because of %v", ended, context.Cause(alive))
				}
			})
		})
	}
}
