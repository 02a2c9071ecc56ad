package e2e

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"triptych/e2e/testenv"
)

// The SDK's two default pollers both went to the sticky queue after a stale hint, and new pictures waited for 60 s.
func TestPollers(t *testing.T) {
	env := testenv.Start(t)
	env.StopProgram("worker")
	var hints atomic.Int64
	env.StartProgram("worker behind a proxy", "worker", []string{"TEMPORAL_ADDRESS=" + proxyWithWrongHints(t, env, &hints)})

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

// proxyWithWrongHints returns the address of a Temporal server that reports a task in each sticky queue. The real server does so if
// another poll takes the task at the same time.
func proxyWithWrongHints(t *testing.T, env *testenv.Env, hints *atomic.Int64) string {
	t.Helper()
	conn, err := grpc.NewClient(env.Endpoints.Temporal, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, request, response any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			err := invoke(ctx, method, request, response, conn, opts...)
			if poll, ok := request.(*workflowservice.PollWorkflowTaskQueueRequest); err == nil && ok && poll.TaskQueue.Kind == enumspb.TASK_QUEUE_KIND_STICKY {
				response.(*workflowservice.PollWorkflowTaskQueueResponse).BacklogCountHint = 1
				hints.Add(1)
			}
			return err
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	service, err := proxy.NewWorkflowServiceProxyServer(proxy.WorkflowServiceProxyOptions{Client: workflowservice.NewWorkflowServiceClient(conn)})
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, service)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}
