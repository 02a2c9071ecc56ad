package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/api/historyservice/v1"
	"go.temporal.io/server/api/matchingservice/v1"
	"go.temporal.io/server/common"
	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/rpc/interceptor"
	serviceerrors "go.temporal.io/server/common/serviceerror"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
	"google.golang.org/protobuf/proto"
)

// historyServer answers with what a test sets.
type historyServer struct {
	historyservice.UnimplementedHistoryServiceServer
	signal  func(context.Context, *historyservice.SignalWorkflowExecutionRequest) error
	started *historyservice.RecordWorkflowTaskStartedResponseWithRawHistory
}

func (s *historyServer) SignalWorkflowExecution(ctx context.Context, r *historyservice.SignalWorkflowExecutionRequest) (*historyservice.SignalWorkflowExecutionResponse, error) {
	return &historyservice.SignalWorkflowExecutionResponse{}, s.signal(ctx, r)
}

func (s *historyServer) RecordWorkflowTaskStarted(context.Context, *historyservice.RecordWorkflowTaskStartedRequest) (*historyservice.RecordWorkflowTaskStartedResponseWithRawHistory, error) {
	return s.started, nil
}

// matchingServer does not know a query when its result comes for the first time.
type matchingServer struct {
	matchingservice.UnimplementedMatchingServiceServer
	results int
}

func (s *matchingServer) RespondQueryTaskCompleted(context.Context, *matchingservice.RespondQueryTaskCompletedRequest) (*matchingservice.RespondQueryTaskCompletedResponse, error) {
	if s.results++; s.results == 1 {
		return nil, serviceerror.NewNotFound("the query is unknown")
	}
	return &matchingservice.RespondQueryTaskCompletedResponse{}, nil
}

func TestQueryResultBeforeQueryIsDelivered(t *testing.T) {
	calls := newInProcess()
	lifecycle := fxtest.NewLifecycle(t)
	never := func(error) bool { return false }
	calls.matching.serve(chainParams{In: fx.In{}, Lifecycle: lifecycle, Retry: interceptor.NewRetryableInterceptor(common.CreateHistoryHandlerRetryPolicy(), never)}, &matchingServer{})
	lifecycle.RequireStart()
	conn := (&connections{inProcess: calls, metrics: metrics.NoopMetricsHandler, logger: log.NewNoopLogger()}).CreateMatchingGRPCConnection("127.0.0.1:1")
	defer conn.Close()
	if _, err := matchingservice.NewMatchingServiceClient(conn).RespondQueryTaskCompleted(t.Context(), &matchingservice.RespondQueryTaskCompletedRequest{}); err != nil {
		t.Error(err)
	}
}

func TestInProcess(t *testing.T) {
	calls := newInProcess()
	history := &historyServer{}
	lifecycle := fxtest.NewLifecycle(t)
	never := func(error) bool { return false }
	calls.history.serve(chainParams{In: fx.In{}, Lifecycle: lifecycle, Retry: interceptor.NewRetryableInterceptor(common.CreateHistoryHandlerRetryPolicy(), never)}, history)
	// Nothing listens on port 1, so a call that answers was made in the process.
	conn := (&connections{inProcess: calls, metrics: metrics.NoopMetricsHandler, logger: log.NewNoopLogger()}).CreateHistoryGRPCConnection("127.0.0.1:1")
	defer conn.Close()
	client := historyservice.NewHistoryServiceClient(conn)
	request := &historyservice.SignalWorkflowExecutionRequest{NamespaceId: "before"}

	t.Run("calls_use_the_network_before_the_service_runs", func(t *testing.T) {
		_, err := client.SignalWorkflowExecution(t.Context(), request)
		if !is[*serviceerror.Unavailable](err) {
			t.Errorf("the error is %T %v", err, err)
		}
	})
	lifecycle.RequireStart()
	t.Run("a_handler_cannot_change_the_request_of_the_caller", func(t *testing.T) {
		history.signal = func(_ context.Context, r *historyservice.SignalWorkflowExecutionRequest) error {
			r.NamespaceId = "after"
			return nil
		}
		if _, err := client.SignalWorkflowExecution(t.Context(), request); err != nil || request.NamespaceId != "before" {
			t.Errorf("the request is %v, error %v", request, err)
		}
	})
	t.Run("headers_arrive", func(t *testing.T) {
		history.signal = func(ctx context.Context, _ *historyservice.SignalWorkflowExecutionRequest) error {
			if c := headers.GetCallerInfo(ctx); c.CallerName != "caller" {
				t.Errorf("the handler was called by %v", c)
			}
			return nil
		}
		ctx := headers.SetCallerInfo(t.Context(), headers.NewCallerInfo("caller", headers.CallerTypeAPI, ""))
		if _, err := client.SignalWorkflowExecution(ctx, request); err != nil {
			t.Error(err)
		}
	})
	t.Run("an_answer_is_converted_to_the_type_that_the_client_expects", func(t *testing.T) {
		events, err := proto.Marshal(&historypb.History{Events: []*historypb.HistoryEvent{{EventId: 7}}})
		if err != nil {
			t.Fatal(err)
		}
		history.started = &historyservice.RecordWorkflowTaskStartedResponseWithRawHistory{Attempt: 3, RawHistory: [][]byte{events}}
		got, err := client.RecordWorkflowTaskStarted(t.Context(), &historyservice.RecordWorkflowTaskStartedRequest{})
		if err != nil || got.Attempt != 3 {
			t.Errorf("the answer is %v, error %v", got, err)
		}
	})
	for name, test := range map[string]struct {
		answer error
		is     func(error) bool
	}{
		"a_service_error_keeps_its_type": {serviceerror.NewNotFound("gone"), is[*serviceerror.NotFound]},
		"an_internal_error_keeps_its_type": {&serviceerrors.ShardOwnershipLost{OwnerHost: "host"}, func(err error) bool {
			lost := (*serviceerrors.ShardOwnershipLost)(nil)
			return errors.As(err, &lost) && lost.OwnerHost == "host"
		}},
		"a_passed_deadline_becomes_a_service_error":  {context.DeadlineExceeded, is[*serviceerror.DeadlineExceeded]},
		"a_canceled_context_becomes_a_service_error": {context.Canceled, is[*serviceerror.Canceled]},
		"another_error_becomes_a_service_error":      {errors.New("disk"), func(err error) bool { return strings.Contains(err.Error(), "disk") }},
	} {
		t.Run(name, func(t *testing.T) {
			history.signal = func(context.Context, *historyservice.SignalWorkflowExecutionRequest) error { return test.answer }
			if _, err := client.SignalWorkflowExecution(t.Context(), request); err == nil || !test.is(err) {
				t.Errorf("the error is %T %v", err, err)
			}
		})
	}
	t.Run("a_handler_sees_the_deadline_of_the_caller", func(t *testing.T) {
		history.signal = func(ctx context.Context, _ *historyservice.SignalWorkflowExecutionRequest) error {
			<-ctx.Done()
			return ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := client.SignalWorkflowExecution(ctx, request); !is[*serviceerror.DeadlineExceeded](err) {
			t.Errorf("the error is %T %v", err, err)
		}
	})
	lifecycle.RequireStop()
	t.Run("calls_use_the_network_after_the_service_has_stopped", func(t *testing.T) {
		if _, err := client.SignalWorkflowExecution(t.Context(), request); !is[*serviceerror.Unavailable](err) {
			t.Errorf("the error is %T %v", err, err)
		}
	})
}

func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}
