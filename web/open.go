package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"triptych/internal/objects"
	"triptych/internal/pipeline"
	"triptych/internal/records"
	"triptych/internal/settings"
)

// open reads the configuration and returns the site's HTTP handler. The handler's clients connect on first use. Closing
// the channel stopping ends all event streams. A nil channel means that event streams end only at their own time limit.
func open(ctx context.Context, stopping <-chan struct{}) (http.Handler, error) {
	s, err := settings.Load(ctx)
	if err != nil {
		return nil, err
	}
	c, err := readConfig(s)
	if err != nil {
		return nil, err
	}
	container, err := records.Open(c.records)
	if err != nil {
		return nil, err
	}
	temporal, err := pipeline.Dial(c.temporal)
	if err != nil {
		return nil, err
	}
	a := &api{
		bucket: c.bucket, eraseSecret: c.eraseSecret, retentionDays: c.retentionDays,
		objects: objects.Open(c.objects), records: container, temporal: temporal, timing: defaultTiming, stopping: stopping,
	}
	origin, err := a.bucketOrigin(ctx)
	if err != nil {
		return nil, fmt.Errorf("finding the bucket's origin for the Content-Security-Policy: %w", err)
	}
	return a.handler(origin), nil
}

// lazyHandler is a handler that calls open on the first request instead of at startup. If a Lambda fails during its
// initialization, AWS restarts it and the caller sees no reason. lazyHandler responds with an RFC 9457 problem instead,
// and calls open again on the next request.
type lazyHandler struct {
	mu      sync.Mutex
	handler http.Handler // nil until open succeeds
}

func (l *lazyHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, err := l.open(r.Context())
	if err != nil {
		writeProblem(w, r, problem{
			Status: http.StatusServiceUnavailable, retryAfter: 10 * time.Second, cause: err,
			Detail: "The site cannot read its settings at the moment: try again in ten seconds.",
		})
		return
	}
	handler.ServeHTTP(w, r)
}

func (l *lazyHandler) open(ctx context.Context) (http.Handler, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handler != nil {
		return l.handler, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	handler, err := open(ctx, nil)
	if err != nil {
		return nil, err
	}
	l.handler = handler
	return handler, nil
}
