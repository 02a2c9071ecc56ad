package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"triptych/picture"
)

// maxRetryInterval is the longest pause between two attempts of an activity. The number of attempts has no limit,
// because a cloud may be unavailable for days.
const maxRetryInterval = time.Minute

// localOptions allows one attempt of three seconds, because a local activity should end before its workflow task
// times out. The attempt may include fetching credentials.
func localOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 3 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// annotateOptions selects the rate-limited task queue of the activity `annotate`. StartToCloseTimeout is long,
// because Google may need 20 s. HeartbeatTimeout is short, so that Temporal notices a crashed worker before
// StartToCloseTimeout has passed.
func annotateOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           picture.AnnotateQueue,
		StartToCloseTimeout: 60 * time.Second,
		HeartbeatTimeout:    3 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: maxRetryInterval},
	})
}

// defaultOptions is for activities that make short calls.
func defaultOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 15 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumInterval: maxRetryInterval},
	})
}

// sweepOptions sets a long timeout for the sweep activity. The activity processes a page of 1,000 keys, and reads
// from Cosmos DB for each key.
func sweepOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: maxRetryInterval},
	})
}
