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
	redacted, known := make([]sdktrace.ReadOnlySpan, len(spans)), redactor{}
	for i, s := range spans {
		redacted[i] = redactedSpan{s, known}
	}
	return e.SpanExporter.ExportSpans(ctx, redacted)
}

type redactedSpan struct {
	sdktrace.ReadOnlySpan
	redactor
}

func (s redactedSpan) Attributes() []attribute.KeyValue {
	return s.attributes(s.ReadOnlySpan.Attributes())
}

func (s redactedSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = s.text(status.Description)
	return status
}

func (s redactedSpan) Events() []sdktrace.Event {
	events := make([]sdktrace.Event, len(s.ReadOnlySpan.Events()))
	for i, e := range s.ReadOnlySpan.Events() {
		e.Attributes = s.attributes(e.Attributes)
		events[i] = e
	}
	return events
}

// redactor contains the texts that it has redacted. Most texts of a batch occur often, and picture.Redact would take most
// of the CPU time of the traces.
type redactor map[string]string

func (r redactor) text(s string) string {
	redacted, ok := r[s]
	if !ok {
		redacted = picture.Redact(s)
		r[s] = redacted
	}
	return redacted
}

func (r redactor) attributes(attributes []attribute.KeyValue) []attribute.KeyValue {
	redacted := make([]attribute.KeyValue, len(attributes))
	for i, a := range attributes {
		switch a.Value.Type() {
		case attribute.STRING:
			a.Value = attribute.StringValue(r.text(a.Value.AsString()))
		case attribute.STRINGSLICE:
			texts := a.Value.AsStringSlice() // a copy
			for i, s := range texts {
				texts[i] = r.text(s)
			}
			a.Value = attribute.StringSliceValue(texts)
		}
		redacted[i] = a
	}
	return redacted
}
