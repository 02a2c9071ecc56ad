package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"triptych/internal/telemetry"
	"triptych/picture"
)

// During a shutdown, a call to Google may continue for gracePeriod, because Google charges for a cancelled call too.
const gracePeriod = 3 * time.Second

// After gracePeriod, activities are cancelled. The rest of stopTimeout lets them return.
const stopTimeout = 10 * time.Second

var errStopping = errors.New("the worker is shutting down")

var (
	stepAttempts = telemetry.Counter("triptych.step.attempts", "{attempt}", "attempts of activities")
	stepDuration = telemetry.Histogram("triptych.step.duration", "s", "duration of an attempt of an activity")
	stepRefusals = telemetry.Counter("triptych.step.refusals", "{attempt}", "attempts that fail until an operator changes a permission or a setting")
	stepWait     = telemetry.Histogram("triptych.step.wait", "s", "time since presign, annotate or persist was scheduled, at the end of each attempt")
)

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
	result, err := a.executeInTime(ctx, in)
	name, end, duration, waited := info.ActivityType.Name, outcome(err), time.Since(started).Seconds(), time.Since(info.ScheduledTime).Seconds()
	slog.InfoContext(ctx, "step", "step", name, "outcome", end, "attempt", info.Attempt, "seconds", duration, "waited", waited,
		"workflow", info.WorkflowExecution.ID)
	step := metric.WithAttributes(attribute.String("triptych.step", name), attribute.String("triptych.outcome", end))
	stepAttempts.Add(ctx, 1, step)
	if kind := picture.Kind(end); kind == picture.Forbidden || kind == picture.Misconfigured {
		stepRefusals.Add(ctx, 1, step)
	}
	stepDuration.Record(ctx, duration, step)
	if slices.Contains(picture.StepOrder[:], picture.StepName(name)) { // a page of a sweep may wait for hours, which is normal
		stepWait.Record(ctx, waited, step)
	}
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

// executeInTime ends an attempt after nine tenths of its time, so that its error names the cloud: the error of Temporal's timeout does not.
// During a shutdown, it returns a retryable error, so that another worker continues immediately instead of after a timeout.
func (a *attempts) executeInTime(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	deadline, _ := ctx.Deadline() // the SDK sets one for each activity
	ctx, release := context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/10))
	defer release()
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
		temporal.ApplicationErrorOptions{NextRetryDelay: time.Millisecond, Cause: picture.Cause(err)})
}
