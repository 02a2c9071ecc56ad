package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"triptych/picture"
)

// handler writes for people, and where the worker is an ECS task for the metrics that terraform/monitoring.tf makes
// of its lines.
func handler(out io.Writer) slog.Handler {
	if os.Getenv("ECS_CONTAINER_METADATA_URI_V4") != "" {
		return slog.NewJSONHandler(out, nil)
	}
	return slog.NewTextHandler(out, nil)
}

// attempts writes a line about each attempt of a step: how it ended, how long it took, and how long its picture has
// waited for the step by then.
type attempts struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (*attempts) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &attempt{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type attempt struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (a *attempt) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info, began := activity.GetInfo(ctx), time.Now()
	result, err := a.Next.ExecuteActivity(ctx, in)
	slog.Info("step", "step", info.ActivityType.Name, "outcome", outcome(err), "attempt", info.Attempt,
		"seconds", time.Since(began).Seconds(), "waited", time.Since(info.ScheduledTime).Seconds(),
		"run", picture.ID(info.WorkflowExecution.ID).Redacted())
	return result, err
}

// outcome is done, or the kind of what went wrong.
func outcome(err error) string {
	if err == nil {
		return "done"
	}
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok && failure.Type() != "" {
		return failure.Type()
	}
	return "unforeseen"
}
