package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// object identifies a created object version.
type object struct {
	version, etag string
	size          int64
}

type fields = map[string]any

// event returns the S3 event for a created object, version 2.1 of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func (i intent) event(region, sequencer string, o object) ([]byte, error) {
	identity := fields{"principalId": "local"}
	doc, err := json.Marshal(fields{"Records": []fields{{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": region, "eventName": i.Event,
		"eventTime":         i.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		"userIdentity":      identity,
		"requestParameters": fields{"sourceIPAddress": "127.0.0.1"},
		"responseElements":  fields{"x-amz-request-id": sequencer, "x-amz-id-2": sequencer},
		"s3": fields{
			"s3SchemaVersion": "1.0", "configurationId": "local",
			"bucket": fields{"name": i.Bucket, "ownerIdentity": identity, "arn": "arn:aws:s3:::" + i.Bucket},
			"object": fields{
				"key": escape(i.Key), "size": o.size, "eTag": strings.Trim(o.etag, `"`), "versionId": o.version, "sequencer": sequencer,
			},
		},
	}}})
	if err != nil {
		return nil, fmt.Errorf("encoding the event: %w", err)
	}
	return doc, nil
}

// escape encodes a key as AWS does in events: like a query parameter, but '/' is not escaped.
func escape(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

func newIntent(event string, bucket, key *string) intent {
	return intent{Event: event, Bucket: *bucket, Key: *key, Time: time.Now()}
}
