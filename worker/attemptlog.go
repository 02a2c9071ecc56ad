package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
)

// attemptLog is an interceptor that logs one line per activity attempt. terraform/monitoring.tf derives metrics from these
// lines: message "step" and the keys step, outcome, seconds (duration) and waited (since the activity was scheduled).
type attemptLog struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (*attemptLog) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &loggedActivity{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type loggedActivity struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (a *loggedActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info, started := activity.GetInfo(ctx), time.Now()
	result, err := a.Next.ExecuteActivity(ctx, in)
	slog.Info("step", "step", info.ActivityType.Name, "outcome", outcome(err), "attempt", info.Attempt,
		"seconds", time.Since(started).Seconds(), "waited", time.Since(info.ScheduledTime).Seconds(),
		"workflow", info.WorkflowExecution.ID)
	return result, err
}

// outcome returns "done", the kind of the error, or "unexpected".
func outcome(err error) string {
	if err == nil {
		return "done"
	}
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok && e.Type() != "" {
		return e.Type()
	}
	return "unexpected"
}
