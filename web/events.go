package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"triptych/picture"
	"triptych/web/status"
)

// streamTiming contains the durations that control an event stream.
type streamTiming struct {
	fast      time.Duration // between two reads of the progress in the first ten seconds
	slow      time.Duration // between two later reads
	idle      time.Duration // between two reads when no upload is expected any more
	keepAlive time.Duration // between two comments
	limit     time.Duration // of the whole stream
}

// defaultTiming is for production, where CloudFront closes a connection after 60 s without data. A stream ends after
// a minute to free its Lambda instance.
var defaultTiming = streamTiming{
	fast: 200 * time.Millisecond, slow: time.Second, idle: 10 * time.Second,
	keepAlive: 15 * time.Second, limit: time.Minute,
}

// untilNextRead returns how long a stream waits before it reads the progress again. The parameter `progress` is the
// result of the last read.
func (t streamTiming) untilNextRead(progress picture.Progress, streamAge time.Duration) time.Duration {
	age := time.Since(progress.ID.CreatedAt())
	switch {
	case progress.Status == picture.Waiting && (age < -time.Minute || age > picture.GrantTTL+time.Minute):
		return t.idle // the ID has no valid grant, so only a sweep could start its workflow
	case streamAge < 10*time.Second:
		return t.fast
	}
	return t.slow
}

// streamProgress sends the picture's current progress and each later change as server-sent events.
func (a *api) streamProgress(w http.ResponseWriter, r *http.Request, id picture.ID) error {
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.timing.limit)
	defer cancel()
	if deadline, ok := r.Context().Deadline(); ok { // only in a Lambda
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-2*time.Second))
		defer cancel()
	}
	out := &eventWriter{w: w, rc: http.NewResponseController(w)}
	out.rc.SetReadDeadline(time.Time{})
	if out.write("retry: 1000") == nil {
		a.poll(ctx, id, out)
	}
	return nil
}

// poll sends progress changes until the status is final, ctx ends, the server stops or the client disconnects. poll
// continues while a cloud is unavailable.
func (a *api) poll(ctx context.Context, id picture.ID, out *eventWriter) {
	keepAlive, next := time.Tick(a.timing.keepAlive), time.NewTimer(0)
	began, failing := time.Now(), false
	var latest status.Execution
	for {
		var writeErr error
		select {
		case <-ctx.Done():
			return
		case <-a.stopping:
			return
		case <-keepAlive:
			writeErr = out.write(": still here")
		case <-next.C:
			progress, err := a.progress(ctx, id, &latest)
			if err == nil {
				writeErr = out.writeProgress(progress)
			} else if deadline, _ := ctx.Deadline(); !failing && time.Now().Before(deadline) {
				// Log only the first of several consecutive failures. Do not log a read that failed because the
				// stream reached its deadline.
				slog.Error("event stream cannot read the progress", "picture", id, "error", err)
			}
			if progress.Status.Settled() {
				return
			}
			failing = err != nil
			next.Reset(a.timing.untilNextRead(progress, time.Since(began)))
		}
		if writeErr != nil {
			return
		}
	}
}

// eventWriter sets a new write deadline before each event, because the server's write deadline is too short for
// streams. It ignores the errors of SetWriteDeadline and Flush, which lambdaurl does not support.
type eventWriter struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	last []byte // the last progress written
}

func (e *eventWriter) write(event string) error {
	e.rc.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := e.w.Write([]byte(event + "\n\n")); err != nil {
		return err
	}
	e.rc.Flush()
	return nil
}

// writeProgress writes an event if the progress differs from the progress in the last event.
func (e *eventWriter) writeProgress(progress picture.Progress) error {
	event, err := json.Marshal(progress)
	if err != nil || bytes.Equal(event, e.last) {
		return err
	}
	e.last = event
	return e.write("data: " + string(event))
}
