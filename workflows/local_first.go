package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Local activities avoid three of about ten database transactions that the Temporal server makes per picture. If a
// local activity fails, localFirst repeats it as a regular activity, so the activity must be idempotent.
func localFirst[Out, In any](ctx workflow.Context, activity string, in In) (Out, error) {
	var out Out
	err := workflow.ExecuteLocalActivity(localOptions(ctx, activity), activity, in).Get(ctx, &out)
	if err == nil || kindOf(err).Rejects() {
		return out, err
	}
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok && e.NextRetryDelay() > 0 {
		if input, ok := any(&in).(interface{ DelayUntil(time.Time) }); ok { // see activities.Delay
			input.DelayUntil(workflow.Now(ctx).Add(e.NextRetryDelay()))
		}
	}
	err = workflow.ExecuteActivity(defaultOptions(ctx, activity), activity, in).Get(ctx, &out)
	return out, err
}
