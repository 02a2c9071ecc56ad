package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"triptych/internal/status"
	"triptych/picture"
)

type streamTiming struct {
	fast      time.Duration // between two reads of the progress in the first ten seconds
	slow      time.Duration // between two later reads
	idle      time.Duration // between two reads when no upload is expected any more
	keepAlive time.Duration // between two comments
	limit     time.Duration // of the whole stream
}

// A stream ends after one minute, to free its Lambda instance. The keep-alive messages prevent CloudFront from closing it.
var defaultTiming = streamTiming{
	fast: 200 * time.Millisecond, slow: time.Second, idle: 10 * time.Second,
	keepAlive: 15 * time.Second, limit: time.Minute,
}

func (t streamTiming) untilNextRead(progress picture.Progress, streamAge time.Duration) time.Duration {
	age := time.Since(progress.Reference.CreatedAt())
	switch {
	case progress.Status == picture.Waiting && age > picture.GrantTTL+time.Minute:
		return t.idle // the grant has expired, so only a sweep could start the workflow
	case streamAge < 10*time.Second:
		return t.fast
	}
	return t.slow
}

func (a *api) streamProgress(w http.ResponseWriter, r *http.Request, l link) error {
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
		a.poll(ctx, l, out)
	}
	return nil
}

// An event stream continues while Temporal or Cosmos DB is unavailable.
func (a *api) poll(ctx context.Context, l link, out *eventWriter) {
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
			progress, err := a.progress(ctx, l, &latest)
			if err == nil {
				writeErr = out.writeProgress(progress)
			} else if deadline, _ := ctx.Deadline(); !failing && ctx.Err() == nil && time.Now().Before(deadline) {
				// poll logs one error per outage, and none when the stream ends during a read.
				slog.Error("event stream cannot read the progress", "picture", l.picture, "error", err)
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

// Each event sets a new write deadline, because the server's WriteTimeout is too short for a stream. lambdaurl
// supports neither SetWriteDeadline nor Flush, so eventWriter ignores their errors.
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

func (e *eventWriter) writeProgress(progress picture.Progress) error {
	event, err := json.Marshal(progress)
	if err != nil || bytes.Equal(event, e.last) {
		return err
	}
	e.last = event
	return e.write("data: " + string(event))
}
