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

// deadlineMargin is how long before Lambda's deadline the trigger gives up, so that the log contains the reason.
const deadlineMargin = time.Second

// maxConcurrentStarts limits the pictures of one event that are started concurrently. S3's format allows several records
// per event.
const maxConcurrentStarts = 10

type trigger struct {
	mu     sync.Mutex
	client client.Client
}

// handle starts a workflow for each picture in an S3 event, or in the events that a dead-letter message contains. The
// failure of one record does not prevent the start of the others.
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

// start starts the workflow of one record's picture. It skips an unreadable record without an error, because another
// delivery of the record would be unreadable too.
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

// connect makes the Temporal client for the first event. If that fails, the next event tries again.
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
