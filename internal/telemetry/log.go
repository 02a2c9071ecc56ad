package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strings"

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

// pictureHandler adds the keys `picture` and, if traces are exported, `trace` to each line about a picture. It finds the
// picture in the context (StartPicture, WithPicture) or in the keys of the line, because Temporal's SDK logs without a context.
type pictureHandler struct {
	slog.Handler
	attr slog.Attr // passed to Logger.With; it names the picture
}

func (h pictureHandler) Handle(ctx context.Context, r slog.Record) error {
	id, named := pictureOf(h.attr)
	r.Attrs(func(a slog.Attr) bool {
		if found, isKey := pictureOf(a); found != "" {
			id, named = found, isKey
		}
		return !named
	})
	if id == "" {
		id, _ = ctx.Value(pictureKey{}).(picture.ID)
	}
	if id == "" {
		return h.Handler.Handle(ctx, r)
	}
	r = r.Clone()
	if !named {
		r.AddAttrs(slog.String("picture", string(id)))
	}
	if Tracing() {
		traceID, _ := pictureRoot(id)
		r.AddAttrs(slog.String("trace", traceID.String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h pictureHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if id, _ := pictureOf(a); id != "" {
			h.attr = a
		}
	}
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

func (h pictureHandler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}

// pictureOf returns the picture that an attribute names, and whether its key is `picture`. Temporal's SDK uses WorkflowID.
func pictureOf(a slog.Attr) (id picture.ID, named bool) {
	switch a.Key {
	case "picture":
		return picture.ID(a.Value.String()), true
	case "workflow", "WorkflowID":
		id = pictureOfWorkflow(a.Value.String())
	}
	return id, false
}

// pictureOfWorkflow returns "" for workflows that have no picture, for example sweeps.
func pictureOfWorkflow(workflowID string) picture.ID {
	_, name, _ := strings.Cut(workflowID, "/")
	id, _ := picture.ParseID(name)
	return id
}
