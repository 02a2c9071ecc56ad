package telemetry

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// Interceptor traces the calls of a Temporal client, and the workflows and activities of a worker. It adds a header with
// the span to workflows and activities, which does not affect their replay.
func Interceptor() (interceptor.Interceptor, error) {
	traces, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		DisableBaggage: true, DisableQueryTracing: true, AllowInvalidParentSpans: true,
		SpanStarter: func(ctx context.Context, t trace.Tracer, name string, options ...trace.SpanStartOption) trace.Span {
			// A schedule keeps its header for years, and all its runs would join one trace.
			if strings.HasPrefix(name, "CreateSchedule:") {
				return trace.SpanFromContext(ctx)
			}
			_, span := t.Start(ctx, name, options...)
			return span
		},
	})
	if err != nil {
		return nil, fmt.Errorf("making an interceptor for traces: %w", err)
	}
	return traces, nil
}
