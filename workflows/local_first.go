package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// localFirst runs an activity once as a local activity, which saves three of about ten transactions per picture. If the
// attempt fails and a retry can help, localFirst runs it as a durable activity, that is, a regular Temporal activity. A
// durable activity has unlimited retries and shows its error in `temporal workflow describe`. Running the activity
// twice is safe, because all activities are idempotent.
func localFirst(ctx workflow.Context, activity string, in, out any) error {
	err := workflow.ExecuteLocalActivity(localOptions(ctx), activity, in).Get(ctx, out)
	if err == nil || kindOf(err).Rejects() {
		return err
	}
	if wait := retryAfter(err); wait > 0 {
		if d, ok := in.(delayable); ok {
			in = d.DelayedUntil(workflow.Now(ctx).Add(wait))
		}
	}
	return workflow.ExecuteActivity(defaultOptions(ctx), activity, in).Get(ctx, out)
}

// delayable is the input of an activity that a cloud may throttle. DelayedUntil returns a copy of the input that makes
// the durable activity wait; see activities.Delay.
type delayable interface{ DelayedUntil(time.Time) any }
