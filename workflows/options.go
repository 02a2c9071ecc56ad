package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"triptych/picture"
)

// maxRetryInterval limits the pause between attempts. The number of attempts is unlimited.
const maxRetryInterval = time.Minute

// Three seconds, of which the worker uses 2.7, suffice to fetch credentials and send one request. A workflow task times out after ten.
func localOptions(ctx workflow.Context, activity string) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 3 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:             picture.Summary(activity),
	})
}

// HeartbeatTimeout lets Temporal notice a crashed worker earlier.
func annotateOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           picture.AnnotateQueue,
		StartToCloseTimeout: 60 * time.Second,
		HeartbeatTimeout:    3 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: maxRetryInterval},
		Summary:             picture.Summary(string(picture.AnnotateStep)),
	})
}

func defaultOptions(ctx workflow.Context, activity string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 15 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumInterval: maxRetryInterval},
		Summary:             picture.Summary(activity),
	})
}

// StartToCloseTimeout is long, because an activity examines 1,000 keys, each with a read from Cosmos DB.
func sweepOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: maxRetryInterval},
		Summary:             picture.Summary(picture.SweepPageActivity),
	})
}
