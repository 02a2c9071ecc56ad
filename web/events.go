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

// pace is how often an event stream looks, how long it may be silent and how long it lasts.
type pace struct {
	early, late time.Duration // between two looks, in the first ten seconds and after
	idle        time.Duration // between two looks for what is hardly to be expected
	comment     time.Duration
	limit       time.Duration
}

// CloudFront cuts an origin that is silent for 30 s. A stream that ends after a minute lets a Lambda go,
// and the page comes back by itself.
var livePace = pace{early: 200 * time.Millisecond, late: time.Second, idle: 10 * time.Second, comment: 15 * time.Second, limit: time.Minute}

// events tells every change of the picture's progress as it happens.
func (a *api) events(w http.ResponseWriter, r *http.Request) error {
	id, err := pictureID(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	limit := time.Now().Add(a.pace.limit)
	if deadline, ok := r.Context().Deadline(); ok { // a Lambda's
		limit = earlier(limit, deadline.Add(-2*time.Second))
	}
	ctx, cancel := context.WithDeadline(r.Context(), limit)
	defer cancel()
	out := newStream(w)
	if err := out.write("retry: 1000\n\n"); err != nil {
		return nil // whoever asked has left
	}
	a.watch(ctx, id, out)
	return nil
}

// watch looks and tells until the picture is settled, the time is up or the reader has left. While the
// clouds do not answer it says nothing of the picture and goes on asking.
func (a *api) watch(ctx context.Context, id picture.ID, out *stream) {
	comments := time.NewTicker(a.pace.comment)
	defer comments.Stop()
	looks := time.NewTimer(0)
	defer looks.Stop()
	began, troubled := time.Now(), false
	var latest status.Execution
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-a.stopping:
			return
		case <-comments.C:
			err = out.write(": still here\n\n")
		case <-looks.C:
			progress, unknown := a.progress(ctx, id, &latest)
			if unknown == nil {
				err = out.tell(progress)
			} else if deadline, _ := ctx.Deadline(); !troubled && time.Now().Before(deadline) {
				slog.Error("an event stream cannot see its picture", "picture", id.Redacted(), "error", discreet(unknown, string(id)))
			}
			troubled = unknown != nil
			if progress.Status.Settled() {
				return
			}
			if progress.Status == picture.Waiting && !expected(id, time.Now()) {
				looks.Reset(a.pace.idle)
			} else {
				looks.Reset(a.pace.next(time.Since(began)))
			}
		}
		if err != nil {
			return
		}
	}
}

func (p pace) next(elapsed time.Duration) time.Duration {
	if elapsed < 10*time.Second {
		return p.early
	}
	return p.late
}

// expected tells whether the upload of a picture that has no run may yet arrive. Afterwards only a sweep starts it,
// and an ID that was made up is never heard of.
func expected(id picture.ID, now time.Time) bool {
	age := now.Sub(id.CreatedAt())
	return -time.Minute < age && age < picture.GrantTTL+time.Minute
}

// stream frames server-sent events and keeps them moving: it flushes each, and replaces the server's
// bounds, which are made for short answers, by one for each write. lambdaurl has neither bounds nor a
// buffer, and says so with an error that may be ignored.
type stream struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	last []byte
}

func newStream(w http.ResponseWriter) *stream {
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Time{})
	return &stream{w: w, rc: rc}
}

func (s *stream) write(text string) error {
	s.rc.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	s.rc.Flush()
	return nil
}

// tell writes progress if it is not what was told last.
func (s *stream) tell(progress picture.Progress) error {
	event, err := json.Marshal(progress)
	if err != nil {
		return fmt.Errorf("writing progress as JSON: %w", err)
	}
	if bytes.Equal(event, s.last) {
		return nil
	}
	s.last = event
	return s.write("data: " + string(event) + "\n\n")
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
