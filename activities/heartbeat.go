package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"google.golang.org/grpc/codes"
)

// The returned context survives failed heartbeats, because Google may already have billed the Vision call.
func heartbeat(ctx context.Context) (alive context.Context, stop func()) {
	deadline, _ := ctx.Deadline() // every activity has one
	alive, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	alive, release := context.WithDeadline(alive, deadline)
	context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); !isFailedHeartbeat(cause) {
			cancel(cause)
		}
	})
	go func() {
		tick := time.Tick(1500 * time.Millisecond) // half of the shortest heartbeat timeout in package workflows
		for {
			select {
			case <-alive.Done():
				return
			case <-tick:
				activity.RecordHeartbeat(alive)
			}
		}
	}()
	return alive, func() { cancel(nil); release() }
}

// isFailedHeartbeat reports whether the SDK cancelled the context because a heartbeat failed: see internalHeartBeat in
// https://github.com/temporalio/sdk-go/blob/v1.50.0/internal/internal_task_handlers.go.
func isFailedHeartbeat(cause error) bool {
	e, ok := errors.AsType[serviceerror.ServiceError](cause)
	return ok && slices.Contains([]codes.Code{codes.DeadlineExceeded, codes.Unavailable, codes.ResourceExhausted,
		codes.Internal, codes.Aborted, codes.Unknown}, e.Status().Code())
}
