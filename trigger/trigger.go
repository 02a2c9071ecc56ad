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

// deadlineMargin is subtracted from Lambda's deadline, so that an unreachable Temporal results in an error with a reason
// and not in a timeout of the Lambda.
const deadlineMargin = time.Second

// maxConcurrentStarts is how many pictures of one event are started concurrently. Today S3 sends one record per event, but
// the format allows more.
const maxConcurrentStarts = 10

type trigger struct {
	mu     sync.Mutex
	client client.Client
}

// handle starts all pictures in an S3 event, or in the events that a dead-letter message contains. The error names the
// records that could not be started. All others were started.
func (t *trigger) handle(ctx context.Context, event json.RawMessage) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-deadlineMargin))
		defer cancel()
	}
	records, err := splitRecords(event)
	if err != nil || len(records) == 0 {
		return err
	}
	c, err := t.connect(ctx)
	if err != nil {
		return err
	}
	failed := make([]error, len(records))
	var group errgroup.Group
	group.SetLimit(maxConcurrentStarts)
	for i, record := range records {
		group.Go(func() error {
			if err := start(ctx, c, record); err != nil {
				failed[i] = fmt.Errorf("record %d of %d: %w", i+1, len(records), err)
			}
			return nil
		})
	}
	_ = group.Wait() // failed contains all errors, not only the first one
	return errors.Join(failed...)
}

// start starts the workflow of one record's picture. It skips a record that cannot be read: no later delivery could be
// read either, and the sweep finds the picture if it exists.
func start(ctx context.Context, c client.Client, record json.RawMessage) error {
	p, err := parseRecord(record)
	if err != nil {
		slog.Error("skipping an unreadable record of an S3 event; if its picture exists, the sweep starts it", "error", err)
		return nil
	}
	if p.ID == "" {
		return nil
	}
	if err := pipeline.Start(ctx, c, picture.Order{Picture: p}, pipeline.LivePriority); err != nil {
		return err
	}
	slog.Info("started", "picture", p.ID, "bytes", p.Size)
	return nil
}

// connect returns the Temporal client. It makes the client for the first event; after a failure, the next event tries
// again.
func (t *trigger) connect(ctx context.Context) (client.Client, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client != nil {
		return t.client, nil
	}
	s, err := settings.Load(ctx)
	if err != nil {
		return nil, err
	}
	c, err := pipeline.Dial(s.Temporal)
	if err != nil {
		return nil, err
	}
	t.client = c
	return c, nil
}
