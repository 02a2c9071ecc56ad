package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"google.golang.org/grpc/codes"
)

// beat is how often a running activity says that it lives.
const beat = 1500 * time.Millisecond

// heartbeat tells Temporal that this attempt lives until stop is called, so that a crashed worker's picture is taken
// up elsewhere within seconds. The context it returns ends with the attempt, but not for a heartbeat that Temporal left
// unanswered, for which the SDK cancels ctx: Google's answer may be paid already, and Temporal may well take it. If it
// took this worker for dead instead, another attempt is under way, which giving up this one would not spare.
func heartbeat(ctx context.Context) (alive context.Context, stop func()) {
	beats, silence := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		for ticker := time.NewTicker(beat); ; {
			select {
			case <-beats.Done():
				ticker.Stop()
				return
			case <-ticker.C:
				activity.RecordHeartbeat(beats)
			}
		}
	}()
	alive, end := context.WithCancelCause(context.WithoutCancel(ctx))
	release := func() {}
	if deadline, ok := ctx.Deadline(); ok {
		alive, release = context.WithDeadline(alive, deadline)
	}
	forget := context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); !unanswered(cause) {
			end(cause)
		}
	})
	return alive, func() {
		silence()
		forget()
		release()
		end(nil)
	}
}

// unanswered says that Temporal did not answer, or not as Temporal: see internalHeartBeat in
// https://github.com/temporalio/sdk-go/blob/v1.50.0/internal/internal_task_handlers.go. What it does answer is obeyed.
func unanswered(cause error) bool {
	answer, ok := errors.AsType[serviceerror.ServiceError](cause)
	if !ok {
		return false
	}
	switch answer.Status().Code() {
	case codes.DeadlineExceeded, codes.Unavailable, codes.ResourceExhausted, codes.Internal, codes.Aborted, codes.Unknown:
		return true
	}
	return false
}
