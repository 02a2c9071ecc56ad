package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"triptych/e2e/siteclient"
	"triptych/picture"
)

// retryInterval equals the delay before the web page's first retry.
const retryInterval = 500 * time.Millisecond

type uploader struct {
	site  siteclient.Site
	photo []byte // each picture is this photo with a different suffix

	mu       sync.Mutex
	uploaded map[picture.ID][]byte // the photo of each picture
}

func (u *uploader) run(ctx context.Context, n int, duration time.Duration) error {
	started := time.Now()
	var uploads sync.WaitGroup
	defer uploads.Wait()
	for i := range n {
		at := started.Add(duration * time.Duration(i) / time.Duration(n))
		sleep(ctx, time.Until(at))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		uploads.Go(func() { u.upload(ctx, slices.Concat(u.photo, fmt.Appendf(nil, "picture %d", i))) })
	}
	return nil
}

// Like the web page, upload retries until the picture is in S3.
func (u *uploader) upload(ctx context.Context, photo []byte) {
	for ; ctx.Err() == nil; sleep(ctx, retryInterval) {
		g, err := u.site.RequestGrant(ctx, photo)
		if err != nil {
			continue
		}
		for ; ctx.Err() == nil; sleep(ctx, retryInterval) {
			status, err := g.Put(ctx, photo)
			if err == nil && (status == http.StatusOK || status == http.StatusPreconditionFailed) {
				u.mu.Lock()
				u.uploaded[g.ID] = photo
				u.mu.Unlock()
				return
			}
			if status == http.StatusForbidden { // the grant has expired: request another one
				break
			}
		}
	}
}
