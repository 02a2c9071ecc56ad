package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"triptych/internal/telemetry"
)

var environments = map[string]map[string]string{
	"text":           nil,
	"JSON_in_Lambda": {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"},
	"JSON_in_ECS":    {"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/x"},
}

func newLogger(out *bytes.Buffer, environment map[string]string) *slog.Logger {
	return telemetry.NewLogger(out, func(name string) string { return environment[name] })
}

func TestLogContainsNoLinkID(t *testing.T) {
	const id = "01990000-0000-7000-8000-000000000000-0123456789abcdef"
	for place, write := range map[string]func(*slog.Logger){
		"message":          func(l *slog.Logger) { l.Info("picture " + id + " arrived") },
		"string":           func(l *slog.Logger) { l.Info("message", "picture", id) },
		"error":            func(l *slog.Logger) { l.Error("message", "error", errors.New("no object "+id)) },
		"wrapped_error":    func(l *slog.Logger) { l.Error("message", "error", fmt.Errorf("reading: %w", errors.New(id))) },
		"With_attribute":   func(l *slog.Logger) { l.With("WorkflowID", "picture/"+id).Info("message") },
		"attribute_group":  func(l *slog.Logger) { l.Info("message", slog.Group("sdk", "WorkflowID", "picture/"+id)) },
		"WithGroup_logger": func(l *slog.Logger) { l.WithGroup("sdk").Info("message", "WorkflowID", "picture/"+id) },
	} {
		for format, environment := range environments {
			t.Run("in_"+place+"_as_"+format, func(t *testing.T) {
				var log bytes.Buffer
				write(newLogger(&log, environment))
				if line := log.String(); strings.Contains(line, id) || !strings.Contains(line, "…") {
					t.Errorf("the log is %s", line)
				}
			})
		}
	}
}

func TestLogContainsNoURLSignature(t *testing.T) {
	const url = "https://s3/k?X-Amz-Signature=0a1b2c3d"
	for place, write := range map[string]func(*slog.Logger){
		"message": func(l *slog.Logger) { l.Info("fetching " + url) },
		"string":  func(l *slog.Logger) { l.Info("message", "url", url) },
		"error":   func(l *slog.Logger) { l.Info("message", "error", errors.New("fetching "+url)) },
	} {
		t.Run(place, func(t *testing.T) {
			var log bytes.Buffer
			write(newLogger(&log, nil))
			if line := log.String(); strings.Contains(line, "0a1b2c3d") || !strings.Contains(line, "X-Amz-Signature=…") {
				t.Errorf("the log is %s", line)
			}
		})
	}
}

func TestFormat(t *testing.T) {
	for format, environment := range environments {
		t.Run("log_is_"+format, func(t *testing.T) {
			var log bytes.Buffer
			newLogger(&log, environment).Info("message", "key", "value")
			if wantJSON := strings.HasPrefix(format, "JSON"); json.Valid(log.Bytes()) != wantJSON {
				t.Errorf("the log is %s", log.Bytes())
			}
			if !strings.Contains(log.String(), "value") {
				t.Errorf("the log is %s, which lacks the attribute", log.Bytes())
			}
		})
	}
}

func TestNumbersAndTimesAreUnchanged(t *testing.T) {
	var log bytes.Buffer
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	newLogger(&log, environments["JSON_in_ECS"]).Info("message", "count", 7, "seconds", 0.25, "at", at, "ok", true, "duration", time.Second)
	var line struct {
		Time     time.Time
		Level    string
		Count    int
		Seconds  float64
		At       time.Time
		OK       bool
		Duration time.Duration
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.Time.IsZero() || line.Level != "INFO" || line.Count != 7 || line.Seconds != 0.25 || !line.At.Equal(at) || !line.OK || line.Duration != time.Second {
		t.Errorf("the log is %s", log.Bytes())
	}
}

func TestLineAboutAPictureNamesItAndItsTrace(t *testing.T) {
	reference := string(pictureID)
	for name, write := range map[string]func(context.Context, *slog.Logger){
		"key_picture": func(ctx context.Context, l *slog.Logger) { l.Info("message", "picture", pictureID) },
		"context": func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(telemetry.WithPicture(ctx, pictureID), "message")
		},
		"workflow_of_a_step":     func(ctx context.Context, l *slog.Logger) { l.Info("message", "workflow", pictureID.WorkflowID()) },
		"workflow_of_an_erasure": func(ctx context.Context, l *slog.Logger) { l.Info("message", "workflow", pictureID.EraseWorkflowID()) },
		"logger_of_Temporal's_SDK": func(ctx context.Context, l *slog.Logger) {
			l.With("WorkflowID", pictureID.WorkflowID()).Info("message")
		},
	} {
		for _, on := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s_with_traces_%t", name, on), func(t *testing.T) {
				var want trace.TraceID
				if on {
					startOn(t)
					_, span := telemetry.StartPicture(t.Context(), pictureID)
					want = span.SpanContext().TraceID()
				}
				var log bytes.Buffer
				write(t.Context(), newLogger(&log, environments["text"]))
				if line := log.String(); strings.Count(line, "picture="+reference) != 1 || strings.Contains(line, "trace=") != on || on && !strings.Contains(line, "trace="+want.String()) {
					t.Errorf("the log is %s, want trace %s", line, want)
				}
			})
		}
	}
	t.Run("other_lines_name_none", func(t *testing.T) {
		startOn(t)
		var log bytes.Buffer
		newLogger(&log, environments["text"]).With("WorkflowID", "sweep-all").Info("message", "workflow", "sweep")
		if line := log.String(); strings.Contains(line, "picture=") || strings.Contains(line, "trace=") {
			t.Errorf("the log is %s", line)
		}
	})
}
