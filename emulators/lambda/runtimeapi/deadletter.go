package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// AWS sends this JSON to the on-failure destination of a function:
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

// Without the lock, Redrive could queue the event again before it is removed from the queue, and it would be lost.
func (h *Host) moveToDeadLetters(e event, payload []byte, attempts int, last outcome) error {
	h.moving.RLock()
	defer h.moving.RUnlock()
	if err := h.writeDeadLetter(e, payload, attempts, last); err != nil {
		return err
	}
	return h.queue.remove(e)
}

// The file is renamed last, so that a killed process leaves no incomplete dead letter.
func (h *Host) writeDeadLetter(e event, payload []byte, attempts int, last outcome) error {
	if !json.Valid(last.payload) { // the response of a function may be any text
		last.payload, _ = json.Marshal(string(last.payload))
	}
	doc, err := json.MarshalIndent(deadLetter{
		Version: "1.0", Timestamp: time.Now().UTC().Truncate(time.Millisecond),
		RequestContext: requestContext{
			RequestID: e.requestID, FunctionARN: h.arn() + ":$LATEST", Condition: "RetriesExhausted", ApproximateInvokeCount: attempts,
		},
		RequestPayload:  payload,
		ResponseContext: responseContext{StatusCode: 200, ExecutedVersion: "$LATEST", FunctionError: last.failure},
		ResponsePayload: last.payload,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding a dead letter: %w", err)
	}
	path := filepath.Join(deadLetters(h.Dir), e.requestID+".json")
	f, err := os.OpenFile(path+".unfinished", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_SYNC, 0o600)
	if err != nil {
		return fmt.Errorf("creating a dead letter: %w", err)
	}
	_, err = f.Write(doc)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing a dead letter: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("renaming a dead letter: %w", err)
	}
	return syncDir(deadLetters(h.Dir))
}

// A rename is on disk only when its directory is.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the directory of the dead letters: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("syncing the directory of the dead letters: %w", err)
	}
	return nil
}

// Redrive moves all dead letters back to the queue and returns how many it moved.
func (h *Host) Redrive() (moved int, err error) {
	h.moving.Lock()
	defer h.moving.Unlock()
	entries, err := os.ReadDir(deadLetters(h.Dir)) // unlike fs.Glob, ReadDir returns I/O errors
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("listing the dead letters: %w", err)
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
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
		if err := h.accept(event{requestID: d.RequestContext.RequestID}, d.RequestPayload); err != nil {
			return moved, err
		}
		if err := os.Remove(path); err != nil {
			return moved, fmt.Errorf("removing a dead letter that is queued again: %w", err)
		}
		moved++
	}
	return moved, nil
}
