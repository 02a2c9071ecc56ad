package telemetry

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// Interceptor traces the calls of a Temporal client, and the workflows and activities of a worker. Workflows of a picture
// and their activities become children of the picture's root span, which each program derives from the workflow ID. So the
// histories of pictures contain no headers. Sweeps add a header, which does not affect their replay.
func Interceptor() (interceptor.Interceptor, error) {
	next, err := opentelemetry.NewTracer(opentelemetry.TracerOptions{DisableBaggage: true, DisableQueryTracing: true, AllowInvalidParentSpans: true})
	if err != nil {
		return nil, fmt.Errorf("making a tracer for Temporal: %w", err)
	}
	return interceptor.NewTracingInterceptor(workflowTracer{next}), nil
}

type workflowTracer struct{ interceptor.Tracer }

// pictureSpan is a span that is not passed in a header.
type pictureSpan struct{ interceptor.TracerSpan }

// noSpan is for operations that get no span.
type noSpan struct{}

func (noSpan) Finish(*interceptor.TracerFinishSpanOptions) {}

func (t workflowTracer) StartSpan(o *interceptor.TracerStartSpanOptions) (interceptor.TracerSpan, error) {
	if o.Operation == "CreateSchedule" { // a schedule keeps its header for years, and all its runs would join one trace
		return noSpan{}, nil
	}
	id := pictureOfWorkflow(o.Tags["temporalWorkflowID"])
	if id == "" {
		return t.Tracer.StartSpan(o)
	}
	if o.Operation == "StartActivity" { // the history tells when it was scheduled
		return noSpan{}, nil
	}
	if parent, ok := o.Parent.(pictureSpan); ok {
		o.Parent = parent.TracerSpan
	} else if o.Parent == nil || o.FromHeader {
		ctx, _ := StartPicture(context.Background(), id)
		o.Parent = t.Tracer.SpanFromContext(ctx)
	}
	span, err := t.Tracer.StartSpan(o)
	return pictureSpan{span}, err
}

func (t workflowTracer) MarshalSpan(span interceptor.TracerSpan) (map[string]string, error) {
	switch span.(type) {
	case pictureSpan, noSpan:
		return nil, nil
	}
	return t.Tracer.MarshalSpan(span)
}

func (t workflowTracer) ContextWithSpan(ctx context.Context, span interceptor.TracerSpan) context.Context {
	switch s := span.(type) {
	case pictureSpan:
		span = s.TracerSpan
	case noSpan:
		return ctx
	}
	return t.Tracer.ContextWithSpan(ctx, span)
}
