package activities

import (
	"context"
	"encoding/base64"
	"net"
	"sync"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"triptych/internal/pipeline"
)

type temporalServer struct {
	workflowservice.UnimplementedWorkflowServiceServer

	executions []*commonpb.WorkflowExecution
	open       int64 // result of CountWorkflowExecutions
	refusal    error // answer to StartWorkflowExecution and TerminateWorkflowExecution; nil to accept them

	mu         sync.Mutex
	query      string                        // of the last ListWorkflowExecutions
	started    []string                      // workflow IDs
	terminated []string                      // workflow IDs
	deleted    []*commonpb.WorkflowExecution // including unknown executions
}

func (c *clouds) startTemporal(t *testing.T, executions ...*commonpb.WorkflowExecution) *temporalServer {
	t.Helper()
	server := &temporalServer{executions: executions}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rpc := grpc.NewServer(grpc.UnaryInterceptor(convertServiceErrors))
	workflowservice.RegisterWorkflowServiceServer(rpc, server)
	stopped := make(chan error, 1)
	go func() { stopped <- rpc.Serve(l) }()
	t.Cleanup(func() {
		rpc.Stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	c.connectTemporal(t, l.Addr().String())
	return server
}

func (c *clouds) connectTemporal(t *testing.T, address string) {
	t.Helper()
	var err error
	if c.temporal, err = pipeline.Dial(client.Options{HostPort: address}, "test:"+base64.StdEncoding.EncodeToString(make([]byte, 32))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.temporal.Close)
}

func convertServiceErrors(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	response, err := handler(ctx, req)
	return response, serviceerror.ToStatus(err).Err()
}

func (s *temporalServer) known(id string) bool {
	for _, e := range s.executions {
		if e.WorkflowId == id {
			return true
		}
	}
	return false
}

func (s *temporalServer) DescribeWorkflowExecution(_ context.Context, r *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if !s.known(r.Execution.WorkflowId) {
		return nil, serviceerror.NewNotFound("workflow not found")
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Execution: r.Execution},
	}, nil
}

func (s *temporalServer) StartWorkflowExecution(_ context.Context, r *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return nil, s.refusal
	}
	s.started = append(s.started, r.WorkflowId)
	return &workflowservice.StartWorkflowExecutionResponse{RunId: "run", Started: true}, nil
}

func (s *temporalServer) TerminateWorkflowExecution(_ context.Context, r *workflowservice.TerminateWorkflowExecutionRequest) (*workflowservice.TerminateWorkflowExecutionResponse, error) {
	if s.refusal != nil {
		return nil, s.refusal
	}
	if !s.known(r.WorkflowExecution.WorkflowId) {
		return nil, serviceerror.NewNotFound("workflow not found")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.terminated = append(s.terminated, r.WorkflowExecution.WorkflowId)
	return &workflowservice.TerminateWorkflowExecutionResponse{}, nil
}

func (s *temporalServer) ListWorkflowExecutions(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.query = r.Query
	response := &workflowservice.ListWorkflowExecutionsResponse{}
	for _, e := range s.executions {
		response.Executions = append(response.Executions, &workflowpb.WorkflowExecutionInfo{Execution: e})
	}
	return response, nil
}

func (s *temporalServer) DeleteWorkflowExecution(_ context.Context, r *workflowservice.DeleteWorkflowExecutionRequest) (*workflowservice.DeleteWorkflowExecutionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleted = append(s.deleted, r.WorkflowExecution)
	if !s.known(r.WorkflowExecution.WorkflowId) {
		return nil, serviceerror.NewNotFound("workflow not found")
	}
	return &workflowservice.DeleteWorkflowExecutionResponse{}, nil
}

func (s *temporalServer) CountWorkflowExecutions(context.Context, *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	return &workflowservice.CountWorkflowExecutionsResponse{Count: s.open}, nil
}
