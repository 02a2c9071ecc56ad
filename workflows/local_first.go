package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// localFirst runs an activity once as a local activity, which saves three of about ten transactions per picture. If the
// attempt fails and a retry can help, localFirst runs it as a durable (regular) activity, which has unlimited retries and
// shows its error in `temporal workflow describe`. All activities are idempotent, so it is safe to run one twice.
func localFirst(ctx workflow.Context, activity string, in, out any) error {
	err := workflow.ExecuteLocalActivity(localOptions(ctx), activity, in).Get(ctx, out)
	if err == nil || kindOf(err).Rejects() {
		return err
	}
	failure, failed := errors.AsType[*temporal.ApplicationError](err)
	if d, ok := in.(delayable); ok && failed && failure.NextRetryDelay() > 0 {
		in = d.DelayedUntil(workflow.Now(ctx).Add(failure.NextRetryDelay()))
	}
	return workflow.ExecuteActivity(defaultOptions(ctx), activity, in).Get(ctx, out)
}

// delayable is the input of an activity that a cloud may throttle; see activities.Delay.
type delayable interface{ DelayedUntil(time.Time) any }
