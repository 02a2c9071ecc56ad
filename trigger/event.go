package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"triptych/picture"
)

// splitRecords does not decode the records, so that one broken record does not affect the others. Records may be
// returned together with an error about others.
func splitRecords(event json.RawMessage) ([]json.RawMessage, error) {
	var e struct {
		Event   string
		Records []json.RawMessage
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("reading an S3 event: %w", err)
	}
	if e.Event == "s3:TestEvent" {
		slog.Info("received S3's test event: the bucket's notification is configured")
		return nil, nil
	}
	if e.Records == nil {
		return nil, errors.New("this is not an S3 event: it has no Records")
	}
	var records []json.RawMessage
	var refused []error
	for _, record := range e.Records {
		unwrapped, err := unwrapDeadLetter(record)
		records, refused = append(records, unwrapped...), append(refused, err)
	}
	return records, errors.Join(refused...)
}

// A dead letter contains the original S3 event as requestPayload, see
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html. Terraform configures no other source
// than S3 and dead letters. An S3 event inside another SNS or SQS message is an error: if it were ignored, its picture would be lost
// (github.com/DataDog/datadog-serverless-functions/issues/114).
func unwrapDeadLetter(record json.RawMessage) ([]json.RawMessage, error) {
	var message events.SQSMessage
	if err := json.Unmarshal(record, &message); err != nil {
		return []json.RawMessage{record}, nil
	}
	switch message.EventSource {
	case "aws:s3":
		return []json.RawMessage{record}, nil
	case "aws:sqs":
	default: // including minio:s3, whose event names have the prefix s3:
		return nil, fmt.Errorf("this event comes from %q, but the function accepts only events that S3 sends to it directly (aws:s3) and its own dead letters: "+
			"remove the notification or subscription that sends it", message.EventSource)
	}
	var body struct{ RequestPayload json.RawMessage }
	if err := json.Unmarshal([]byte(message.Body), &body); err != nil || body.RequestPayload == nil {
		return nil, fmt.Errorf("message %s is not a dead letter of this function: read it, and delete it if it is not needed", message.MessageId)
	}
	slog.Info("redriving a dead letter", "message", message.MessageId)
	return splitRecords(body.RequestPayload)
}

// parseRecord returns the zero Picture if the record does not describe a new upload.
func parseRecord(record json.RawMessage, bucket string) (picture.Picture, error) {
	var r events.S3EventRecord
	if err := json.Unmarshal(record, &r); err != nil { // decodes the key, exactly once
		return picture.Picture{}, err
	}
	if !strings.HasPrefix(r.EventName, "ObjectCreated:") {
		slog.Info("ignored: not a new object", "event", r.EventName)
		return picture.Picture{}, nil
	}
	if r.S3.Bucket.Name != bucket {
		slog.Warn("ignored: an object of another bucket than TRIPTYCH_BUCKET", "bucket", r.S3.Bucket.Name)
		return picture.Picture{}, nil
	}
	object := r.S3.Object
	if _, _, err := picture.ParseKey(object.URLDecodedKey); err != nil {
		slog.Info("ignored: not uploaded through the site; use a backfill for such objects", "bucket", r.S3.Bucket.Name)
		return picture.Picture{}, nil
	}
	return picture.New(bucket, object.URLDecodedKey, object.VersionID, object.ETag, object.Size, r.EventTime)
}
