package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"triptych/picture"
)

// redactedExporter exports spans without signatures, keys and link IDs. Libraries record errors, which may contain URLs.
type redactedExporter struct{ sdktrace.SpanExporter }

func (e redactedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	redacted := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		redacted[i] = redactedSpan{s}
	}
	return e.SpanExporter.ExportSpans(ctx, redacted)
}

type redactedSpan struct{ sdktrace.ReadOnlySpan }

func (s redactedSpan) Attributes() []attribute.KeyValue {
	return redactAttributes(s.ReadOnlySpan.Attributes())
}

func (s redactedSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = picture.Redact(status.Description)
	return status
}

func (s redactedSpan) Events() []sdktrace.Event {
	events := make([]sdktrace.Event, len(s.ReadOnlySpan.Events()))
	for i, e := range s.ReadOnlySpan.Events() {
		e.Attributes = redactAttributes(e.Attributes)
		events[i] = e
	}
	return events
}

func redactAttributes(attributes []attribute.KeyValue) []attribute.KeyValue {
	redacted := make([]attribute.KeyValue, len(attributes))
	for i, a := range attributes {
		if a.Value.Type() == attribute.STRING {
			a.Value = attribute.StringValue(picture.Redact(a.Value.AsString()))
		}
		redacted[i] = a
	}
	return redacted
}
