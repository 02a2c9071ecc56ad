package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"triptych/internal/objects"
	"triptych/internal/pipeline"
	"triptych/internal/records"
	"triptych/internal/settings"
)

// open reads the settings and builds the handler with its clients. None is connected yet. Event streams end
// when stopping is closed; in a Lambda it never is.
func open(ctx context.Context, stopping <-chan struct{}) (http.Handler, error) {
	if err := settings.Load(ctx); err != nil {
		return nil, err
	}
	if err := settings.Require(os.Getenv, "TRIPTYCH_BUCKET", "TRIPTYCH_ERASE_SECRET", "COSMOS_ENDPOINT"); err != nil {
		return nil, err
	}
	eraseSecret := []byte(os.Getenv("TRIPTYCH_ERASE_SECRET"))
	if len(eraseSecret) < 32 {
		return nil, errors.New("TRIPTYCH_ERASE_SECRET is short enough to be guessed from an erase token: use 32 random bytes or more")
	}
	retention, err := retentionDays(os.Getenv("TRIPTYCH_RETENTION_DAYS"))
	if err != nil {
		return nil, err
	}
	s3, err := objects.Open(ctx)
	if err != nil {
		return nil, err
	}
	container, err := records.Open(os.Getenv("COSMOS_ENDPOINT"), os.Getenv("COSMOS_KEY"))
	if err != nil {
		return nil, err
	}
	temporal, err := pipeline.Dial()
	if err != nil {
		return nil, err
	}
	a := &api{
		bucket: os.Getenv("TRIPTYCH_BUCKET"), eraseSecret: eraseSecret, retentionDays: retention,
		objects: s3, records: container, temporal: temporal, pace: livePace, stopping: stopping,
	}
	origin, err := a.bucketOrigin(ctx)
	if err != nil {
		return nil, fmt.Errorf("finding the bucket's origin for the page's security policy: %w", err)
	}
	return a.handler(origin), nil
}

// onFirstUse opens the handler with the first request, because a Lambda that fails while it starts is
// only restarted. Success is kept; after a failure the next request tries again.
type onFirstUse struct {
	mu     sync.Mutex
	opened http.Handler
}

func (o *onFirstUse) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, err := o.handler(r.Context())
	if err != nil {
		answer(w, r, problem{
			Status: http.StatusServiceUnavailable, retryAfter: 10 * time.Second, cause: err,
			Detail: "The site cannot read its settings at the moment: try again in ten seconds.",
		})
		return
	}
	handler.ServeHTTP(w, r)
}

func (o *onFirstUse) handler(ctx context.Context) (http.Handler, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.opened != nil {
		return o.opened, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	handler, err := open(ctx, nil)
	if err != nil {
		return nil, err
	}
	o.opened = handler
	return handler, nil
}
