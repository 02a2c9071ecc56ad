package activities

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"triptych/picture"
)

type environmentOption func(*testsuite.TestActivityEnvironment)

// execute returns the activity's error without Temporal's wrapper, ActivityError.
func execute[Out any, Name ~string](t *testing.T, c *clouds, name Name, in any, options ...environmentOption) (Out, error) {
	t.Helper()
	return executeWithContext[Out](t.Context(), t, c, name, in, options...)
}

func executeWithContext[Out any, Name ~string](ctx context.Context, t *testing.T, c *clouds, name Name, in any, options ...environmentOption) (Out, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	intercepted := &intercepted{temporal: c.temporal}
	env.SetWorkerOptions(worker.Options{
		BackgroundActivityContext: ctx,
		Interceptors:              []interceptor.WorkerInterceptor{intercepted},
	})
	c.RegisterMain(env)
	c.RegisterAnnotate(env)
	for _, option := range options {
		option(env)
	}
	var out Out
	value, err := env.ExecuteActivity(string(name), in)
	if err == nil && value.HasValue() {
		err = value.Get(&out)
	}
	if intercepted.err != nil {
		err = intercepted.err
	}
	return out, err
}

type intercepted struct {
	interceptor.WorkerInterceptorBase
	temporal client.Client
	err      error
}

func (i *intercepted) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &inbound{interceptor.ActivityInboundInterceptorBase{Next: next}, i}
}

type inbound struct {
	interceptor.ActivityInboundInterceptorBase
	*intercepted
}

func (i *inbound) Init(next interceptor.ActivityOutboundInterceptor) error {
	return i.Next.Init(newOutbound(next, next.GetClient, i.temporal))
}

func (i *inbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := i.Next.ExecuteActivity(ctx, in)
	i.err = err
	return out, err
}

type outbound[C any] struct {
	interceptor.ActivityOutboundInterceptorBase
	client C
}

func newOutbound[C any](next interceptor.ActivityOutboundInterceptor, _ func(context.Context) C, temporal client.Client) *outbound[C] {
	replacement, _ := any(temporal).(C) // nil if the test has no Temporal server
	return &outbound[C]{interceptor.ActivityOutboundInterceptorBase{Next: next}, replacement}
}

func (o *outbound[C]) GetClient(context.Context) C { return o.client }

func (c *clouds) presign(t *testing.T, p picture.Picture) (SignedURL, error) {
	t.Helper()
	result, err := execute[PresignResult](t, c, picture.PresignStep, p)
	return result.SignedURL, err
}

func (c *clouds) annotate(t *testing.T, p picture.Picture, send Send) (AnnotateResult, error) {
	t.Helper()
	signed, err := c.presign(t, p)
	if err != nil {
		t.Fatal(err)
	}
	return execute[AnnotateResult](t, c, picture.AnnotateStep, AnnotateInput{Picture: p, Send: send, SignedURL: signed})
}

func (c *clouds) persist(t *testing.T, r picture.Record) (picture.Outcome, error) {
	t.Helper()
	return execute[picture.Outcome](t, c, picture.PersistStep, PersistInput{Record: r})
}

// checkFailure does not unwrap err, because Temporal reads the retry settings only from the outermost error.
func checkFailure(t *testing.T, err error, kind picture.Kind) *temporal.ApplicationError {
	t.Helper()
	failure, ok := err.(*temporal.ApplicationError)
	if !ok {
		t.Fatalf("the activity returned %T, want an ApplicationError: %v", err, err)
	}
	if failure.Type() != string(kind) {
		t.Errorf("kind %q, want %q: %v", failure.Type(), kind, err)
	}
	retried := []picture.Kind{picture.Unavailable, picture.Throttled, picture.Forbidden, picture.Misconfigured}
	if retryable := !failure.NonRetryable(); retryable != slices.Contains(retried, kind) {
		t.Errorf("kind %s has retryable %t", kind, retryable)
	}
	return failure
}

func (c *clouds) checkNotBilled(t *testing.T, before int64) {
	t.Helper()
	if calls := c.google.Billed() - before; calls != 0 {
		t.Errorf("Google was called %d times, want 0", calls)
	}
}
