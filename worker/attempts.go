package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"triptych/picture"
)

// gracePeriod is how long an activity may continue after the worker has begun to shut down. Google usually responds
// within this time. Ending a call earlier saves nothing, because Google charges for the call anyway.
const gracePeriod = 3 * time.Second

// stopTimeout is how long a stopping worker waits for its activities. It consists of gracePeriod and the time that an
// activity needs to notice its cancellation.
const stopTimeout = 10 * time.Second

var errStopping = errors.New("the worker is shutting down")

// attempts is an interceptor that logs each attempt of an activity, and ends the attempt when the worker shuts down.
type attempts struct {
	interceptor.WorkerInterceptorBase
	interceptor.ActivityInboundInterceptorBase
}

func (*attempts) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &attempts{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}}
}

// ExecuteActivity logs the keys from which terraform/monitoring.tf derives metrics. `waited` is the time since the
// activity was scheduled.
func (a *attempts) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info, started := activity.GetInfo(ctx), time.Now()
	result, err := a.executeUntilStopped(ctx, in)
	slog.Info("step", "step", info.ActivityType.Name, "outcome", outcome(err), "attempt", info.Attempt,
		"seconds", time.Since(started).Seconds(), "waited", time.Since(info.ScheduledTime).Seconds(),
		"workflow", info.WorkflowExecution.ID)
	return result, err
}

// outcome returns "done" if err is nil, the kind of the error, or "unexpected" if the error has no kind.
func outcome(err error) string {
	if err == nil {
		return "done"
	}
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok && e.Type() != "" {
		return e.Type()
	}
	return "unexpected"
}

// executeUntilStopped cancels the activity if the worker shuts down, and then returns a retryable error. Without this
// error, another worker would repeat the activity only after a timeout.
func (a *attempts) executeUntilStopped(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
			time.AfterFunc(gracePeriod, func() { cancel(errStopping) })
		case <-ctx.Done():
		}
	}()
	result, err := a.Next.ExecuteActivity(ctx, in)
	e, ok := errors.AsType[*temporal.ApplicationError](err)
	if err == nil || context.Cause(ctx) != errStopping || ok && e.NonRetryable() {
		return result, err
	}
	return nil, temporal.NewApplicationErrorWithOptions("The worker is shutting down; another one continues immediately", string(picture.Unavailable),
		temporal.ApplicationErrorOptions{NextRetryDelay: time.Millisecond, Cause: errors.New(picture.Redact(err.Error()))})
}
