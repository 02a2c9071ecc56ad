package e2e

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"

	"triptych/e2e/testenv"
)

// The SDK's two default pollers both went to the sticky queue after a stale hint, and new pictures waited for 60 s.
func TestPollers(t *testing.T) {
	env := testenv.Start(t)
	env.StopProgram("worker")
	var hints atomic.Int64
	proxy := testenv.ServeProxy(t, env.Endpoints.Temporal, func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		response, err := next(ctx, request)
		if poll, ok := request.(*workflowservice.PollWorkflowTaskQueueRequest); err == nil && ok && poll.TaskQueue.Kind == enumspb.TASK_QUEUE_KIND_STICKY {
			// The real server reports a waiting task if another poll takes it at the same time.
			response.(*workflowservice.PollWorkflowTaskQueueResponse).BacklogCountHint = 1
			hints.Add(1)
		}
		return response, err
	})
	env.StartProgram("worker behind a proxy", "worker", []string{"TEMPORAL_ADDRESS=" + proxy})

	t.Run("picture_does_not_wait_for_a_poll_of_the_sticky_queue_to_end", func(t *testing.T) {
		for range 4 { // the hints of the first two moved both pollers to the sticky queue, so the third waited
			grant := env.Upload(t, testenv.Portrait(t))
			env.Follow(t, grant.Link)
			var scheduled time.Time
			for _, e := range env.History(t, grant.ID) {
				switch e.EventType {
				case enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
					scheduled = e.EventTime.AsTime()
				case enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
					if wait := e.EventTime.AsTime().Sub(scheduled); wait > 30*time.Second { // a poll takes up to 60 s
						t.Errorf("a workflow task waited for %s", wait)
					}
				}
			}
		}
		if hints.Load() < 2 {
			t.Errorf("the worker got %d wrong hints", hints.Load())
		}
	})
}
