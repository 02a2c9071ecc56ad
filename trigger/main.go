// Command trigger is the Lambda function that starts a workflow for each picture uploaded to S3. After an error,
// Lambda delivers the event again and finally sends it to the dead-letter queue, so trigger never retries.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"

	"triptych/internal/pipeline"
	"triptych/internal/settings"
	"triptych/internal/telemetry"
	"triptych/picture"
)

func main() {
	slog.SetDefault(telemetry.NewLogger(os.Stderr, os.Getenv))
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		slog.Error("trigger is a Lambda function and only runs inside one; to try it on this machine: go run ./local")
		os.Exit(2)
	}
	lambda.Start((&trigger{}).handle)
}

// A Lambda instance handles one event at a time, so trigger has no lock.
type trigger struct {
	bucket, namespace string
	client            client.Client
}

// handle returns the result of a check, or nil for other events.
func (t *trigger) handle(ctx context.Context, event json.RawMessage) ([]string, error) {
	defer telemetry.Flush(ctx) // before Lambda freezes the program
	// Stop one second before Lambda's deadline, so that there is time to log the error.
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-time.Second))
		defer cancel()
	}
	if isCheck(event) {
		return runChecks(ctx), nil // an error would trigger the alarm for failed events
	}
	return nil, t.startAll(ctx, event)
}

func (t *trigger) startAll(ctx context.Context, event json.RawMessage) error {
	records, refused := splitRecords(event)
	if len(records) == 0 {
		return refused
	}
	c, err := t.connect(ctx)
	if err != nil {
		return err
	}
	failed := []error{refused}
	for i, record := range records { // one, from S3 or the redrive (batch_size in terraform/trigger.tf), but the format allows more
		if err := start(ctx, c, t.bucket, record); err != nil {
			failed = append(failed, fmt.Errorf("record %d of %d: %w", i+1, len(records), err))
		}
	}
	return errors.Join(failed...)
}

var receivedPictures = telemetry.Counter("triptych.pictures.received", "{picture}", "S3 events whose workflow was started; S3 may send an event twice")

// An unreadable record is only logged, because Lambda would deliver the record again after an error.
func start(ctx context.Context, c client.Client, bucket string, record json.RawMessage) error {
	p, err := parseRecord(record, bucket)
	if err != nil {
		slog.Error("skipping an unreadable record of an S3 event; if its picture exists, the sweep starts it", "error", err)
		return nil
	}
	if p.ID == "" {
		return nil
	}
	ctx, _ = telemetry.StartPicture(ctx, p.ID)
	_, upload := telemetry.StartSpan(ctx, "upload", p.ID.CreatedAt())
	upload.End(trace.WithTimestamp(p.UploadedAt))
	ctx, event := telemetry.StartSpan(ctx, "S3 event", p.UploadedAt)
	defer event.End()
	if err := pipeline.Start(ctx, c, picture.Order{Picture: p}, pipeline.LivePriority); err != nil {
		return err
	}
	receivedPictures.Add(ctx, 1)
	slog.InfoContext(ctx, "started", "bytes", p.Size)
	return nil
}

// connect does not cache a failure, so that the next event tries again.
func (t *trigger) connect(ctx context.Context) (client.Client, error) {
	if t.client != nil {
		return t.client, nil
	}
	s, err := settings.Load(ctx)
	if err != nil {
		return nil, err
	}
	if err := telemetry.Start(ctx, "trigger", s.Getenv); err != nil {
		return nil, err
	}
	if err := s.Require("TRIPTYCH_BUCKET"); err != nil {
		return nil, err
	}
	bucket, err := s.Bucket()
	if err != nil {
		return nil, err
	}
	c, err := pipeline.Dial(s.Temporal, s.Getenv("TRIPTYCH_PAYLOAD_KEYS"))
	if err != nil {
		return nil, err
	}
	t.bucket, t.namespace, t.client = bucket, s.Temporal.Namespace, c
	return c, nil
}
