package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"triptych/internal/pipeline"
	"triptych/internal/settings"
	"triptych/picture"
)

// spare is kept of Lambda's deadline, so that an unreachable Temporal ends in an error that says so and not in
// a timeout that says nothing.
const spare = time.Second

// together is how many pictures of one event are started at a time. S3 sends one per event today, but
// promises no such thing.
const together = 10

type trigger struct {
	mu     sync.Mutex
	client client.Client
}

// handle starts every picture in an event of S3, or in those that come back from the dead letters. The error names the
// records that could not be started; the others were, and starting them again does nothing.
func (t *trigger) handle(ctx context.Context, event json.RawMessage) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-spare))
		defer cancel()
	}
	records, err := recordsOf(event)
	if err != nil || len(records) == 0 {
		return err
	}
	c, err := t.connected(ctx)
	if err != nil {
		return err
	}
	failed := make([]error, len(records))
	var group errgroup.Group
	group.SetLimit(together)
	for i, record := range records {
		group.Go(func() error {
			if err := start(ctx, c, record); err != nil {
				failed[i] = fmt.Errorf("record %d of %d: %w", i+1, len(records), err)
			}
			return nil
		})
	}
	_ = group.Wait() // failed has them all, not only the first
	return errors.Join(failed...)
}

// start begins the run of one record's picture. A record that cannot be read is left out: no later delivery of it could
// be read either, and its picture, if there is one, is found by the sweep.
func start(ctx context.Context, c client.Client, record json.RawMessage) error {
	p, err := pictureOf(record)
	if err != nil {
		slog.Error("a record of an S3 event cannot be read and is left out; if there is such a picture, the sweep starts it", "why", err)
		return nil
	}
	if p.ID == "" {
		return nil
	}
	if err := pipeline.Start(ctx, c, picture.Order{Picture: p}, pipeline.LivePriority); err != nil {
		return err
	}
	slog.Info("started", "picture", p.ID.Redacted(), "bytes", p.Size)
	return nil
}

// connected makes the client on first use and keeps it. A failure is not kept: the next event tries again.
func (t *trigger) connected(ctx context.Context) (client.Client, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client != nil {
		return t.client, nil
	}
	if err := settings.Load(ctx); err != nil {
		return nil, err
	}
	c, err := pipeline.Dial()
	if err != nil {
		return nil, err
	}
	t.client = c
	return c, nil
}
