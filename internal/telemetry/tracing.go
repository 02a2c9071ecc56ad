package telemetry

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"triptych/picture"
)

func startTraces(ctx context.Context, from *resource.Resource, getenv func(string) string) error {
	if Tracing() || !exports("TRACES", getenv) {
		return nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return fmt.Errorf("making an exporter of traces: %w", err)
	}
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithResource(from), sdktrace.WithIDGenerator(idGenerator{}),
		sdktrace.WithBatcher(redactedExporter{exporter})))
	return nil
}

// Tracing reports whether Start has started the export of traces.
func Tracing() bool {
	_, on := otel.GetTracerProvider().(*sdktrace.TracerProvider)
	return on
}

func tracer() trace.Tracer { return otel.Tracer("triptych") }

// StartPicture starts the root span of a picture's trace. Its IDs are a hash of the picture ID, so every program joins
// the same trace without storing its ID. The program that creates the picture ID ends the span; the others use it as the
// parent of their spans. All programs with the same sampler sample the same pictures.
func StartPicture(ctx context.Context, id picture.ID) (context.Context, trace.Span) {
	return tracer().Start(context.WithValue(ctx, pictureKey{}, id), "picture", trace.WithNewRoot(),
		trace.WithAttributes(attribute.String("picture", string(id))))
}

// WithPicture names the picture in log lines. Calls to clouds get no span: a page polls often and would fill the trace.
func WithPicture(ctx context.Context, id picture.ID) context.Context {
	traceID, spanID := pictureRoot(id)
	notSampled := trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID, Remote: true})
	return trace.ContextWithSpanContext(context.WithValue(ctx, pictureKey{}, id), notSampled)
}

// StartSpan starts a span that begins at a time in the past.
func StartSpan(ctx context.Context, name string, began time.Time) (context.Context, trace.Span) {
	return tracer().Start(ctx, name, trace.WithTimestamp(began))
}

type pictureKey struct{}

// idGenerator returns random IDs, except for the root span of a picture.
type idGenerator struct{}

func (idGenerator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if id, ok := ctx.Value(pictureKey{}).(picture.ID); ok {
		return pictureRoot(id)
	}
	var t trace.TraceID
	binary.NativeEndian.PutUint64(t[:], rand.Uint64())
	binary.NativeEndian.PutUint64(t[8:], rand.Uint64())
	return t, idGenerator{}.NewSpanID(ctx, t)
}

func (idGenerator) NewSpanID(context.Context, trace.TraceID) (s trace.SpanID) {
	binary.NativeEndian.PutUint64(s[:], rand.Uint64()|1) // zero is invalid
	return s
}

func pictureRoot(id picture.ID) (t trace.TraceID, s trace.SpanID) {
	sum := sha256.Sum256([]byte(id))
	copy(s[:], sum[copy(t[:], sum[:]):])
	return t, s
}

// Call makes a request to a cloud in a span, which ends when the response's header arrives. The span has no query, as
// that may contain a signature. The request gets no traceparent header: other companies do not need our trace IDs.
func Call(service string, r *http.Request, do func(context.Context) (*http.Response, error)) (*http.Response, error) {
	ctx, span := tracer().Start(r.Context(), service+" "+r.Method, trace.WithSpanKind(trace.SpanKindClient))
	attributes := make([]attribute.KeyValue, 0, 4)
	attributes = append(attributes, semconv.HTTPRequestMethodKey.String(r.Method), semconv.ServerAddress(r.URL.Hostname()), semconv.URLPath(r.URL.Path))
	defer func() {
		span.SetAttributes(attributes...) // once, because the span copies its attributes each time
		span.End()
	}()
	response, err := do(ctx)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		return response, err
	}
	attributes = append(attributes, semconv.HTTPResponseStatusCode(response.StatusCode))
	// A missing Record is normal: annotate and persist look for one before they work.
	if response.StatusCode >= http.StatusBadRequest && response.StatusCode != http.StatusNotFound {
		span.SetStatus(codes.Error, response.Status)
	}
	return response, nil
}

// Client is an HTTP client of an AWS SDK that makes each request a Call.
type Client struct {
	Service string
	Next    interface {
		Do(*http.Request) (*http.Response, error)
	}
}

func (c Client) Do(r *http.Request) (*http.Response, error) {
	return Call(c.Service, r, func(ctx context.Context) (*http.Response, error) { return c.Next.Do(r.WithContext(ctx)) })
}
