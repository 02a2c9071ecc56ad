package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"triptych/internal/settings"
	"triptych/internal/temporal"
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

// handle starts every picture in an S3 event. The error names the records that could not be started; the
// others were, and starting them again does nothing.
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

// recordsOf splits an event without decoding its records, so that one broken record does not take the others with
// it.
func recordsOf(event json.RawMessage) ([]json.RawMessage, error) {
	var e struct {
		Event   string
		Records *[]json.RawMessage
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("this is no S3 event: %w", err)
	}
	if e.Event == "s3:TestEvent" {
		slog.Info("the bucket's notification is set up: S3 sent its test event")
		return nil, nil
	}
	if e.Records == nil {
		return nil, errors.New("this is no S3 event: it has no Records")
	}
	return *e.Records, nil
}

// start begins the run of one record's picture. Records that are not about a new picture of ours are ignored.
func start(ctx context.Context, c client.Client, record json.RawMessage) error {
	var r events.S3EventRecord
	if err := json.Unmarshal(record, &r); err != nil { // also decodes the key, once
		return fmt.Errorf("reading an S3 event record: %w", err)
	}
	if !strings.HasPrefix(r.EventName, "ObjectCreated:") {
		slog.Info("ignored: no new object", "event", r.EventName)
		return nil
	}
	object := r.S3.Object
	if _, _, err := picture.ParseKey(object.URLDecodedKey); err != nil {
		slog.Info("ignored: not uploaded through the site; such objects enter by backfill", "why", err)
		return nil
	}
	p, err := picture.New(r.S3.Bucket.Name, object.URLDecodedKey, object.VersionID, object.ETag, object.Size, r.EventTime)
	if err != nil {
		return fmt.Errorf("reading an S3 event record: %w", err)
	}
	if err := temporal.Start(ctx, c, picture.Order{Picture: p}, temporal.Live); err != nil {
		return err
	}
	slog.Info("started", "picture", p.ID.Short(), "bytes", p.Size)
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
	c, err := temporal.Dial()
	if err != nil {
		return nil, err
	}
	t.client = c
	return c, nil
}
