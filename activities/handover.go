package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"triptych/picture"
)

// grace is what an attempt may still take when its worker is told to stop. Google usually answers within it, and an answer
// that is given up has been billed; what takes longer is begun anew by another worker at once, which is no later than
// whoever stops workers would have killed it.
const grace = 3 * time.Second

// WorkerStopTimeout is how long a worker is to wait for its activities: longer than grace, and than a call takes to
// notice that it was given up.
const WorkerStopTimeout = 10 * time.Second

// HandOver has a worker that is told to stop hand over what it has begun: Temporal starts the next attempt elsewhere
// at once, where a worker that just ended would be missed only after a timeout.
type HandOver struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity is how the SDK asks for it.
func (*HandOver) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &handover{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type handover struct {
	interceptor.ActivityInboundInterceptorBase
}

var errStopping = errors.New("the worker was told to stop")

// ExecuteActivity runs one attempt.
func (h *handover) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(grace):
			giveUp(errStopping)
		case <-ctx.Done():
		}
	}()
	out, err := h.Next.ExecuteActivity(ctx, in)
	if err == nil || context.Cause(ctx) != errStopping || final(err) {
		return out, err
	}
	return nil, failure(&picture.Error{Kind: picture.Unavailable, RetryAfter: time.Millisecond,
		Message: "the worker was told to stop; another one goes on at once", Err: err})
}

// final says that no other attempt would end otherwise.
func final(err error) bool {
	verdict, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && verdict.NonRetryable()
}
