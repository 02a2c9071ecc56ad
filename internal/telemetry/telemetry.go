// Package telemetry configures logs, traces and metrics. They contain no signature and no link ID.
//
// Traces contain the workflow, its start, each attempt of an activity, and each call to S3, Cosmos DB and Cloud Vision. They
// do not contain the other calls, because those serve no single picture: the gRPC calls of Temporal's SDK, most of which are
// long polls, and the calls to SSM, STS and Entra ID, which read settings or renew credentials.
package telemetry

import (
	"io"
	"log/slog"

	"triptych/picture"
)

// NewLogger writes text, except in Lambda and ECS. There it writes JSON, which CloudWatch parses.
func NewLogger(out io.Writer, getenv func(string) string) *slog.Logger {
	options := &slog.HandlerOptions{ReplaceAttr: redact}
	if getenv("AWS_LAMBDA_RUNTIME_API") != "" || getenv("ECS_CONTAINER_METADATA_URI_V4") != "" {
		return slog.New(pictureHandler{Handler: slog.NewJSONHandler(out, options)})
	}
	return slog.New(pictureHandler{Handler: slog.NewTextHandler(out, options)})
}

func redact(_ []string, a slog.Attr) slog.Attr {
	if value := a.Value.Resolve(); value.Kind() == slog.KindString || value.Kind() == slog.KindAny {
		a.Value = slog.StringValue(picture.Redact(value.String()))
	}
	return a
}
