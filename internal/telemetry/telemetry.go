// Package telemetry configures logging. All logs are redacted: they contain neither a URL signature nor a whole picture ID.
package telemetry

import (
	"io"
	"log/slog"

	"triptych/picture"
)

// NewLogger returns a logger that writes JSON in Lambda and ECS, where CloudWatch parses it, and text elsewhere.
func NewLogger(out io.Writer, getenv func(string) string) *slog.Logger {
	options := &slog.HandlerOptions{ReplaceAttr: redact}
	if getenv("AWS_LAMBDA_RUNTIME_API") != "" || getenv("ECS_CONTAINER_METADATA_URI_V4") != "" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// redact applies picture.Redact to every string and error, including those that the Temporal SDK logs.
func redact(_ []string, a slog.Attr) slog.Attr {
	switch value := a.Value.Resolve(); value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(picture.Redact(value.String()))
	case slog.KindAny:
		if err, ok := value.Any().(error); ok {
			a.Value = slog.StringValue(picture.Redact(err.Error()))
		}
	}
	return a
}
