package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"triptych/picture"
)

// A cloud that is down for days is waited for, so nothing here bounds the number of attempts of an activity or
// their total time. Once a minute is often enough to notice that it is back, and cheap.
const longestWait = time.Minute

// here: one attempt, short enough to end within the workflow task. A second one right away would fail like the
// first, and the time of a local activity's retries is bounded by the SDK.
func here(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 3 * time.Second, // of presign, credentials may have to be fetched first
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// rateLimited: annotate has its own queue, which is served at the rate of Vision's quota; waiting in that queue is
// not limited. A crashed worker is noticed in 3 s, while a picture may well take Google 20 s.
func rateLimited(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           picture.AnnotateQueue,
		StartToCloseTimeout: 60 * time.Second,
		HeartbeatTimeout:    3 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: longestWait},
	})
}

// quick: one small call. When a cloud says when to come back, that is obeyed instead.
func quick(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 15 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumInterval: longestWait},
	})
}

// sweeping: one page of a thousand keys, each with a look into Cosmos DB.
func sweeping(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: longestWait},
	})
}

// kindOf reads the kind that an activity gave its failure; "" for none.
func kindOf(err error) picture.Kind {
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return picture.Kind(e.Type())
	}
	return ""
}

// patienceOf is when the cloud that failed said to come back; 0 when it did not say.
func patienceOf(err error) time.Duration {
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return e.NextRetryDelay()
	}
	return 0
}

// reason is a failure as the Record tells it.
func reason(step picture.StepName, err error) picture.Rejection {
	message := err.Error()
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		message = e.Message()
	}
	return picture.Rejection{Step: step, Kind: kindOf(err), Message: message}
}
