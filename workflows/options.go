package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"triptych/picture"
)

// maxRetryInterval limits the pause between two attempts. One attempt per minute is cheap and detects soon enough that
// a cloud is available again. No activity has a limit on its attempts or total time, because a cloud may be unavailable
// for days.
const maxRetryInterval = time.Minute

// localOptions allows one attempt of three seconds, so that it ends within the workflow task. The three seconds include
// the fetching of credentials. A second local attempt would fail for the same reason, and the SDK limits how long local
// activities can be retried.
func localOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 3 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// annotateOptions selects annotate's own task queue, whose rate is limited to Vision's quota. The time in that queue is
// not limited, because many pictures may be waiting. An attempt may take 60 s, because Google may need 20 s for a
// picture; a missing heartbeat detects a crashed worker after 3 s.
func annotateOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           picture.AnnotateQueue,
		StartToCloseTimeout: 60 * time.Second,
		HeartbeatTimeout:    3 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: maxRetryInterval},
	})
}

// defaultOptions contains the options of activities that make one short call. If a cloud requests a delay, the delay
// replaces the interval of the retry policy.
func defaultOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 15 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumInterval: maxRetryInterval},
	})
}

// sweepOptions contains the options of the sweep activity. The timeout is long, because a page has 1,000 keys, each of
// which needs a read from Cosmos DB.
func sweepOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: maxRetryInterval},
	})
}
