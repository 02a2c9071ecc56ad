package runtimeapi

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// deadLetter is the record that AWS sends to a function's on-failure destination:
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type deadLetter struct {
	Version         string          `json:"version"`
	Timestamp       time.Time       `json:"timestamp"`
	RequestContext  requestContext  `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponseContext responseContext `json:"responseContext"`
	ResponsePayload json.RawMessage `json:"responsePayload"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError"`
}

func deadLetters(dir string) string { return filepath.Join(dir, "dead-letters") }

// writeDeadLetter stores an event whose last attempt failed.
func (h *Host) writeDeadLetter(e event, last outcome) error {
	if !json.Valid(last.payload) { // the response of a function may be any text
		last.payload, _ = json.Marshal(string(last.payload))
	}
	doc, err := json.MarshalIndent(deadLetter{
		Version: "1.0", Timestamp: time.Now().UTC().Truncate(time.Millisecond),
		RequestContext: requestContext{
			RequestID: e.RequestID, FunctionARN: h.arn() + ":$LATEST", Condition: "RetriesExhausted", ApproximateInvokeCount: e.Attempts,
		},
		RequestPayload:  e.Payload,
		ResponseContext: responseContext{StatusCode: 200, ExecutedVersion: "$LATEST", FunctionError: last.failure},
		ResponsePayload: last.payload,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing a dead letter: %w", err)
	}
	return writeDurably(filepath.Join(deadLetters(h.Dir), e.RequestID+".json"), doc)
}

// writeDurably creates the file atomically and syncs it to disk.
func writeDurably(path string, doc []byte) error {
	unfinished := path + ".unfinished"
	f, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("creating a dead letter: %w", err)
	}
	_, err = f.Write(doc)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(unfinished, path)
	}
	if err != nil {
		return fmt.Errorf("writing a dead letter: %w", err)
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		dir.Sync() // fails on systems that cannot sync a directory
		dir.Close()
	}
	return nil
}

// Redrive moves all dead letters back to the queue, as new events, and returns their number. It leaves files that are not
// dead letters in place.
func (h *Host) Redrive(ctx context.Context) (int, error) {
	entries, err := os.ReadDir(deadLetters(h.Dir))
	if err != nil {
		return 0, fmt.Errorf("listing the dead letters: %w", err)
	}
	moved := 0
	for _, entry := range entries {
		if ctx.Err() != nil {
			return moved, ctx.Err()
		}
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		path := filepath.Join(deadLetters(h.Dir), entry.Name())
		doc, err := os.ReadFile(path)
		if err != nil {
			return moved, fmt.Errorf("reading a dead letter: %w", err)
		}
		var d deadLetter
		if err := json.Unmarshal(doc, &d); err != nil || len(d.RequestPayload) == 0 {
			slog.Warn("a file in the directory of the dead letters is not a dead letter", "file", entry.Name(), "error", err)
			continue
		}
		if err := h.queue.add(event{RequestID: d.RequestContext.RequestID, Payload: d.RequestPayload}); err != nil {
			return moved, err
		}
		if err := os.Remove(path); err != nil {
			return moved, fmt.Errorf("removing a dead letter that is queued again: %w", err)
		}
		moved++
	}
	return moved, nil
}
