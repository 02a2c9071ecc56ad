package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"triptych/picture"
	"triptych/web/status"
)

// pollIntervals is how long an event stream waits between two reads of a picture's progress.
type pollIntervals struct {
	fast time.Duration // in the first ten seconds of the stream
	slow time.Duration // after ten seconds
	idle time.Duration // when no upload is expected any more
}

func (p pollIntervals) next(elapsed time.Duration) time.Duration {
	if elapsed < 10*time.Second {
		return p.fast
	}
	return p.slow
}

// streamTiming contains the intervals of an event stream.
type streamTiming struct {
	poll      pollIntervals
	keepAlive time.Duration // between two comments
	limit     time.Duration // of the whole stream
}

// CloudFront closes a connection to an origin that sends nothing for 30 s, so a stream sends keep-alive comments. A
// stream ends after a minute, which frees its Lambda instance; the page then reconnects automatically.
var defaultTiming = streamTiming{
	poll:      pollIntervals{fast: 200 * time.Millisecond, slow: time.Second, idle: 10 * time.Second},
	keepAlive: 15 * time.Second,
	limit:     time.Minute,
}

// streamProgress sends the picture's progress, and then each change of it, as server-sent events.
func (a *api) streamProgress(w http.ResponseWriter, r *http.Request) error {
	id, err := pictureID(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	limit := time.Now().Add(a.timing.limit)
	if deadline, ok := r.Context().Deadline(); ok { // only in a Lambda
		limit = earlier(limit, deadline.Add(-2*time.Second))
	}
	ctx, cancel := context.WithDeadline(r.Context(), limit)
	defer cancel()
	out := newEventWriter(w)
	if err := out.write("retry: 1000\n\n"); err != nil {
		return nil // the client has disconnected
	}
	a.poll(ctx, id, out)
	return nil
}

// poll reads the picture's progress repeatedly and sends each change. It returns when the picture's status is final,
// ctx ends, the server stops or the client disconnects. While a cloud is unavailable, poll sends no progress and
// continues to read.
func (a *api) poll(ctx context.Context, id picture.ID, out *eventWriter) {
	keepAlive := time.NewTicker(a.timing.keepAlive)
	defer keepAlive.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	began, failing := time.Now(), false
	var latest status.Execution
	for {
		var writeErr error
		select {
		case <-ctx.Done():
			return
		case <-a.stopping:
			return
		case <-keepAlive.C:
			writeErr = out.write(": still here\n\n")
		case <-next.C:
			progress, err := a.progress(ctx, id, &latest)
			if err == nil {
				writeErr = out.writeProgress(progress)
			} else if deadline, _ := ctx.Deadline(); !failing && time.Now().Before(deadline) {
				// An outage is logged only once. A read that the stream's own deadline interrupted is not logged,
				// because it is no outage.
				slog.Error("event stream cannot read the progress", "picture", id, "error", err)
			}
			failing = err != nil
			if progress.Status.Settled() {
				return
			}
			if progress.Status == picture.Waiting && !uploadExpected(id, time.Now()) {
				next.Reset(a.timing.poll.idle)
			} else {
				next.Reset(a.timing.poll.next(time.Since(began)))
			}
		}
		if writeErr != nil {
			return
		}
	}
}

// uploadExpected reports whether an upload with the grant of this ID may still arrive. If none can arrive, poll slows
// down: only a sweep could still start the workflow, and for an ID that web never granted no workflow ever starts.
func uploadExpected(id picture.ID, now time.Time) bool {
	age := now.Sub(id.CreatedAt())
	return -time.Minute < age && age < picture.GrantTTL+time.Minute
}

// eventWriter is the response of an event stream. Each event is flushed, so that the client receives it immediately.
// The server's deadlines are meant for short responses, so each write sets a new deadline. lambdaurl supports neither
// deadlines nor flushing and needs neither, so the errors of ResponseController are ignored.
type eventWriter struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	last []byte // the last progress written
}

func newEventWriter(w http.ResponseWriter) *eventWriter {
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Time{})
	return &eventWriter{w: w, rc: rc}
}

func (e *eventWriter) write(text string) error {
	e.rc.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	e.rc.Flush()
	return nil
}

// writeProgress writes an event if the progress differs from the last one written.
func (e *eventWriter) writeProgress(progress picture.Progress) error {
	event, err := json.Marshal(progress)
	if err != nil {
		return fmt.Errorf("encoding the progress: %w", err)
	}
	if bytes.Equal(event, e.last) {
		return nil
	}
	e.last = event
	return e.write("data: " + string(event) + "\n\n")
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
