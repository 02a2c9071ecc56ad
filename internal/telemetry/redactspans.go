package telemetry

import (
	"context"
	"slices"

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
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i := range events {
		events[i].Attributes = redactAttributes(events[i].Attributes)
	}
	return events
}

func redactAttributes(attributes []attribute.KeyValue) []attribute.KeyValue {
	redacted := slices.Clone(attributes)
	for i, a := range redacted {
		switch a.Value.Type() {
		case attribute.STRING:
			redacted[i].Value = attribute.StringValue(picture.Redact(a.Value.AsString()))
		case attribute.STRINGSLICE:
			texts := a.Value.AsStringSlice() // a copy
			for j, s := range texts {
				texts[j] = picture.Redact(s)
			}
			redacted[i].Value = attribute.StringSliceValue(texts)
		}
	}
	return redacted
}
