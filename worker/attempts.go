package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"triptych/picture"
)

// During a shutdown, a call to Google may continue for gracePeriod, because Google charges for a cancelled call too.
const gracePeriod = 3 * time.Second

// After gracePeriod, activities are cancelled. The rest of stopTimeout lets them return.
const stopTimeout = 10 * time.Second

var errStopping = errors.New("the worker is shutting down")

type attempts struct {
	interceptor.WorkerInterceptorBase
	interceptor.ActivityInboundInterceptorBase
}

func (*attempts) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &attempts{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}}
}

func (a *attempts) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info, started := activity.GetInfo(ctx), time.Now()
	trace.SpanFromContext(ctx).SetAttributes(attribute.Int("attempt", int(info.Attempt)))
	result, err := a.executeUntilStopped(ctx, in)
	// terraform/monitoring.tf derives metrics from these keys.
	slog.InfoContext(ctx, "step", "step", info.ActivityType.Name, "outcome", outcome(err), "attempt", info.Attempt,
		"seconds", time.Since(started).Seconds(), "waited", time.Since(info.ScheduledTime).Seconds(),
		"workflow", info.WorkflowExecution.ID)
	return result, err
}

func outcome(err error) string {
	if err == nil {
		return "done"
	}
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok && e.Type() != "" {
		return e.Type()
	}
	return "unexpected"
}

// During a shutdown, executeUntilStopped returns a retryable error, so that another worker continues immediately
// instead of after a timeout.
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
