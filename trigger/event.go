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
	var records []json.RawMessage
	for _, record := range *e.Records {
		again, err := redriven(record)
		if err != nil {
			return nil, err
		}
		if again == nil {
			again = []json.RawMessage{record}
		}
		records = append(records, again...)
	}
	return records, nil
}

// redriven are the records of an event that this function failed on before, if the record is a message that brings it
// back: Lambda wraps what it gives up into a message for SQS
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
func redriven(record json.RawMessage) ([]json.RawMessage, error) {
	var message events.SQSMessage
	if err := json.Unmarshal(record, &message); err != nil || message.EventSource != "aws:sqs" {
		return nil, nil
	}
	var letter struct{ RequestPayload json.RawMessage }
	if err := json.Unmarshal([]byte(message.Body), &letter); err != nil || letter.RequestPayload == nil {
		return nil, fmt.Errorf("message %s is no dead letter of this function: look at it, and delete it if it is not wanted", message.MessageId)
	}
	slog.Info("a dead letter comes back", "message", message.MessageId)
	return recordsOf(letter.RequestPayload)
}

// pictureOf is a record's picture, or the zero Picture when the record is not about a new one of ours.
func pictureOf(record json.RawMessage) (picture.Picture, error) {
	var r events.S3EventRecord
	if err := json.Unmarshal(record, &r); err != nil { // also decodes the key, once
		return picture.Picture{}, err
	}
	if !strings.HasPrefix(r.EventName, "ObjectCreated:") {
		slog.Info("ignored: no new object", "event", r.EventName)
		return picture.Picture{}, nil
	}
	object := r.S3.Object
	id, _, err := picture.ParseKey(object.URLDecodedKey)
	if err != nil {
		slog.Info("ignored: not uploaded through the site; such objects enter by backfill", "bucket", r.S3.Bucket.Name)
		return picture.Picture{}, nil
	}
	p, err := picture.New(r.S3.Bucket.Name, object.URLDecodedKey, object.VersionID, object.ETag, object.Size, r.EventTime)
	if err != nil {
		return picture.Picture{}, fmt.Errorf("picture %s: it has no bucket, or an impossible size", id.Redacted())
	}
	return p, nil
}
