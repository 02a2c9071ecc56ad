package pipeline

import (
	"context"
	"log/slog"

	"triptych/picture"
)

// discreet writes where the program writes, and shortens the picture ID in the workflow ID that the SDK adds to its lines:
// whoever reads the log shall not be able to open the picture.
type discreet struct{ slog.Handler }

func (d discreet) Handle(ctx context.Context, line slog.Record) error {
	short := slog.NewRecord(line.Time, line.Level, line.Message, line.PC)
	line.Attrs(func(a slog.Attr) bool {
		short.AddAttrs(shorten(a))
		return true
	})
	return d.Handler.Handle(ctx, short)
}

func (d discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	short := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		short[i] = shorten(a)
	}
	return discreet{d.Handler.WithAttrs(short)}
}

func (d discreet) WithGroup(name string) slog.Handler { return discreet{d.Handler.WithGroup(name)} }

func shorten(a slog.Attr) slog.Attr {
	if a.Key == "WorkflowID" {
		a.Value = slog.StringValue(picture.ID(a.Value.String()).Redacted())
	}
	return a
}
