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

// CloudFront closes a connection to an origin that sends nothing for 30 s. A stream ends after a minute, which frees its
// Lambda instance; the page reconnects automatically.
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

// poll reads the picture's progress repeatedly and sends each change. It returns when the picture is settled, ctx ends,
// the server stops or the client disconnects. When a cloud is unavailable it sends no progress and keeps polling.
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
				// Logged once per outage, and not if the stream's own deadline interrupted the read.
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

// uploadExpected reports whether the grant of the ID may still be in use. Later, only a sweep can start the workflow, and
// an ID that web never granted will not get one.
func uploadExpected(id picture.ID, now time.Time) bool {
	age := now.Sub(id.CreatedAt())
	return -time.Minute < age && age < picture.GrantTTL+time.Minute
}

// eventWriter writes server-sent events. It flushes each event. It replaces the server's deadlines, which are meant for
// short responses, by a new deadline for each write. lambdaurl supports neither deadlines nor flushing and needs neither,
// so the errors of ResponseController are ignored.
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
