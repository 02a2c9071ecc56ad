package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/server/api/historyservice/v1"
	"go.temporal.io/server/api/matchingservice/v1"
	"go.temporal.io/server/client"
	"go.temporal.io/server/common"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/rpc"
	"go.temporal.io/server/common/rpc/interceptor"
	"go.temporal.io/server/common/testing/testhooks"
	"go.uber.org/fx"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// inProcess calls the handlers of history and matching without gRPC's transport. It is the innermost client
// interceptor of the connections to these services, so everything that the server's clients do remains: redirection,
// retries, deadlines, propagation of headers and conversion of errors.
//
// On the server side, conversion of errors and retries still run, and handlers get the contexts of CHASM and of metrics. Metrics of
// requests, the health signal and the rate limits of history and matching are bypassed: on one machine, the frontend's metrics and
// limits apply to the same requests, and only other hosts would need the health signal. A call returns when its handler returns, not
// when the caller's context ends.
type inProcess struct{ history, matching service }

type service struct {
	desc    *grpc.ServiceDesc
	running atomic.Pointer[handler]
}

type handler struct {
	server  any
	methods map[string]grpc.MethodDesc
	chain   grpc.UnaryServerInterceptor
	metrics metrics.Handler
}

func newInProcess() *inProcess {
	p := &inProcess{}
	p.history.desc, p.matching.desc = &historyservice.HistoryService_ServiceDesc, &matchingservice.MatchingService_ServiceDesc
	return p
}

type chainParams struct {
	fx.In

	Lifecycle  fx.Lifecycle
	Additional []grpc.UnaryServerInterceptor `optional:"true"`
	Retry      *interceptor.RetryableInterceptor
	Metrics    metrics.Handler
}

// serve makes s call server while the service is running. Before and after, calls go over the network, where they
// fail as they would without inProcess.
func (s *service) serve(p chainParams, server any) {
	h := &handler{server: server, methods: map[string]grpc.MethodDesc{}, metrics: p.Metrics}
	for _, m := range s.desc.Methods {
		h.methods["/"+s.desc.ServiceName+"/"+m.MethodName] = m
	}
	h.chain = chain(append(append([]grpc.UnaryServerInterceptor{interceptor.ServiceErrorInterceptor}, p.Additional...), p.Retry.Intercept))
	p.Lifecycle.Append(fx.StartStopHook(func() { s.running.Store(h) }, func() { s.running.Store(nil) }))
}

func chain(interceptors []grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	if len(interceptors) == 1 {
		return interceptors[0]
	}
	rest := chain(interceptors[1:])
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		return interceptors[0](ctx, req, info, func(ctx context.Context, req any) (any, error) { return rest(ctx, req, info, next) })
	}
}

func (s *service) intercept(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, network grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	h := s.running.Load()
	if h == nil || !strings.HasPrefix(method, "/"+s.desc.ServiceName+"/") {
		return network(ctx, method, req, reply, conn, opts...)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // as gRPC does when a handler returns
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	ctx = metadata.NewOutgoingContext(metadata.NewIncomingContext(ctx, outgoing), metadata.MD{})
	ctx = interceptor.AddTelemetryContext(ctx, h.metrics)        // else history logs an error for each child workflow
	decode := func(to any) error { return copyMessage(to, req) } // because handlers change requests
	call := func() (any, error) { return h.methods[method].Handler(h.server, ctx, decode, h.chain) }
	answer, err := call()
	for end := time.Now().Add(time.Second); isEarlyResult(method, err) && time.Now().Before(end); answer, err = call() {
		time.Sleep(time.Millisecond)
	}
	if err != nil {
		return err
	}
	return copyMessage(reply, answer) // because an answer can contain a cached message
}

// isEarlyResult reports whether a worker has answered a query before matching waits for the result: QueryWorkflow in
// service/matching/matching_engine.go (1.29.2) first gives the query to the worker. Without a network, the answer can be
// faster. It would be lost, and the query would time out.
func isEarlyResult(method string, err error) bool {
	return method == matchingservice.MatchingService_RespondQueryTaskCompleted_FullMethodName && status.Code(err) == codes.NotFound
}

// copyMessage also copies between types that differ only in how they present the same bytes. For example, history
// answers RecordWorkflowTaskStartedResponseWithRawHistory where the client expects RecordWorkflowTaskStartedResponse.
func copyMessage(to, from any) error {
	dst, src := to.(proto.Message), from.(proto.Message)
	if dst.ProtoReflect().Descriptor() == src.ProtoReflect().Descriptor() {
		proto.Merge(dst, src)
		return nil
	}
	b, err := proto.Marshal(src)
	if err != nil {
		return fmt.Errorf("encoding an answer: %w", err)
	}
	return proto.Unmarshal(b, dst)
}

// NewFactory implements client.FactoryProvider.
func (p *inProcess) NewFactory(factory common.RPCFactory, monitor membership.Monitor, metricsHandler metrics.Handler, dc *dynamicconfig.Collection,
	hooks testhooks.TestHooks, shards int32, logger, throttled log.Logger) client.Factory {
	connections := &connections{factory, p, metricsHandler, logger}
	return client.NewFactoryProvider().NewFactory(connections, monitor, metricsHandler, dc, hooks, shards, logger, throttled)
}

type connections struct {
	common.RPCFactory
	inProcess *inProcess
	metrics   metrics.Handler
	logger    log.Logger
}

func (c *connections) CreateHistoryGRPCConnection(address string) *grpc.ClientConn {
	return c.dial(address, &c.inProcess.history)
}

func (c *connections) CreateMatchingGRPCConnection(address string) *grpc.ClientConn {
	return c.dial(address, &c.inProcess.matching)
}

func (c *connections) dial(address string, s *service) *grpc.ClientConn {
	conn, err := rpc.Dial(address, nil, c.logger, c.metrics, grpc.WithChainUnaryInterceptor(s.intercept))
	if err != nil {
		panic(err) // the address cannot be parsed
	}
	return conn
}
