package main

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"triptych/picture"
)

// gracePeriod is how long an activity may continue after the worker was told to stop. Google usually responds within
// this time; it bills a call even if the worker abandons it. With a longer gracePeriod, a process supervisor might kill
// the worker first.
const gracePeriod = 3 * time.Second

// stopTimeout is the worker's WorkerStopTimeout. It is gracePeriod plus time for an activity to notice its
// cancellation.
const stopTimeout = 10 * time.Second

// gracefulStop is an interceptor for the shutdown of the worker. It fails running activities with a retryable error, so
// that another worker repeats them immediately. Without gracefulStop, Temporal would notice the shutdown only after a
// timeout.
type gracefulStop struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (*gracefulStop) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &stoppableActivity{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type stoppableActivity struct {
	interceptor.ActivityInboundInterceptorBase
}

var errStopping = errors.New("the worker is shutting down")

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (s *stoppableActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(gracePeriod):
			cancel(errStopping)
		case <-ctx.Done():
		}
	}()
	result, err := s.Next.ExecuteActivity(ctx, in)
	if err == nil || context.Cause(ctx) != errStopping || isFinal(err) {
		return result, err
	}
	return nil, temporal.NewApplicationErrorWithOptions("The worker is shutting down; another one continues immediately", string(picture.Unavailable),
		temporal.ApplicationErrorOptions{NextRetryDelay: time.Millisecond, Cause: errors.New(picture.Redact(err.Error()))})
}

// isFinal reports whether a retry would fail in the same way.
func isFinal(err error) bool {
	e, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && e.NonRetryable()
}
