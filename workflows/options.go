package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"triptych/picture"
)

// No activity has a limit on its attempts or total time, because a cloud may be unavailable for days. One attempt per
// minute is cheap and detects soon enough that the cloud is back.
const maxRetryInterval = time.Minute

// localOptions allows one attempt that ends within the workflow task. The three seconds include fetching credentials. A second
// local attempt would fail for the same reason, and the SDK limits how long local activities can be retried.
func localOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 3 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// annotateOptions selects annotate's own task queue, which is limited to Vision's quota. The time in that queue is not
// limited. Google may take 20 s for a picture; the heartbeat detects a crashed worker after 3 s.
func annotateOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           picture.AnnotateQueue,
		StartToCloseTimeout: 60 * time.Second,
		HeartbeatTimeout:    3 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: maxRetryInterval},
	})
}

// defaultOptions is for activities with one short call. A delay that a cloud requests takes precedence over the retry policy.
func defaultOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 15 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumInterval: maxRetryInterval},
	})
}

// sweepOptions allows time for a page of 1,000 keys, each of which needs a read from Cosmos DB.
func sweepOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: maxRetryInterval},
	})
}
