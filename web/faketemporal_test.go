package main

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net"
	"sync"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"triptych/e2e/statustest"
	"triptych/internal/pipeline"
)

// payloadKeys has a key that consists of zeros.
var payloadKeys = "test:" + base64.StdEncoding.EncodeToString(make([]byte, 32))

// fakeTemporal gives the same answer for every workflow ID. All payloads are encrypted with payloadKeys.
type fakeTemporal struct {
	workflowservice.UnimplementedWorkflowServiceServer

	mu          sync.Mutex
	down        bool
	description *workflowservice.DescribeWorkflowExecutionResponse
	history     *historypb.History
	onDescribe  func() // called before each DescribeWorkflowExecution returns
	histories   int    // number of times that the history was read
	open        int64  // workflows
	counts      int    // number of times that the workflows were counted
	started     []*workflowservice.StartWorkflowExecutionRequest
}

func (f *fakeTemporal) serve(t *testing.T) client.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	codec, err := pipeline.ParseKeys(payloadKeys)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if err := visitPayloads(ctx, r.(proto.Message), codec.Decode); err != nil {
			return nil, err
		}
		if f.down {
			return nil, status.Error(codes.PermissionDenied, "unavailable in this test") // the SDK does not retry
		}
		response, err := next(ctx, r)
		if err != nil {
			return nil, err
		}
		encrypted := proto.Clone(response.(proto.Message))
		return encrypted, visitPayloads(ctx, encrypted, codec.Encode)
	}))
	workflowservice.RegisterWorkflowServiceServer(server, f)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	c, err := pipeline.Dial(client.Options{
		HostPort: listener.Addr().String(), Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	}, payloadKeys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func visitPayloads(ctx context.Context, m proto.Message, convert func([]*commonpb.Payload) ([]*commonpb.Payload, error)) error {
	return proxy.VisitPayloads(ctx, m, proxy.VisitPayloadsOptions{
		Visitor: func(_ *proxy.VisitPayloadsContext, p []*commonpb.Payload) ([]*commonpb.Payload, error) {
			return convert(p)
		},
	})
}

// An empty name removes the workflow.
func (f *fakeTemporal) use(t *testing.T, name string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.description, f.history = nil, nil
	if name != "" {
		f.description, f.history = statustest.Load(t, name)
	}
}

// advance loads another recorded history and keeps the run ID.
func (f *fakeTemporal) advance(t *testing.T, name string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	previous := f.description.WorkflowExecutionInfo.Execution
	f.description, f.history = statustest.Load(t, name)
	f.description.WorkflowExecutionInfo.Execution = previous
}

func (f *fakeTemporal) setInput(t *testing.T, input any) {
	t.Helper()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(input)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.history.Events[0].GetWorkflowExecutionStartedEventAttributes().Input = payloads
}

func (f *fakeTemporal) read(get func() int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return get()
}

func (f *fakeTemporal) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *fakeTemporal) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func (f *fakeTemporal) DescribeWorkflowExecution(context.Context, *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if f.onDescribe != nil {
		f.onDescribe()
	}
	if f.description == nil {
		return nil, serviceerror.ToStatus(serviceerror.NewNotFound("workflow not found")).Err()
	}
	return f.description, nil
}

func (f *fakeTemporal) GetWorkflowExecutionHistory(context.Context, *workflowservice.GetWorkflowExecutionHistoryRequest) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	f.histories++
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: f.history}, nil
}

func (f *fakeTemporal) CountWorkflowExecutions(context.Context, *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	f.counts++
	return &workflowservice.CountWorkflowExecutionsResponse{Count: f.open}, nil
}

func (f *fakeTemporal) StartWorkflowExecution(_ context.Context, r *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	f.started = append(f.started, r)
	return &workflowservice.StartWorkflowExecutionResponse{RunId: "run", Started: true}, nil
}

func decodeInput(payloads *commonpb.Payloads) string {
	var s string
	converter.GetDefaultDataConverter().FromPayloads(payloads, &s)
	return s
}
