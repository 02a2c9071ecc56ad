package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// object is what a created object version is told by.
type object struct {
	version, etag string
	size          int64
}

// record is one element of an S3 event, version 2.1 of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
type record struct {
	EventVersion      string            `json:"eventVersion"`
	EventSource       string            `json:"eventSource"`
	AWSRegion         string            `json:"awsRegion"`
	EventTime         string            `json:"eventTime"`
	EventName         string            `json:"eventName"`
	UserIdentity      identity          `json:"userIdentity"`
	RequestParameters map[string]string `json:"requestParameters"`
	ResponseElements  map[string]string `json:"responseElements"`
	S3                entity            `json:"s3"`
}

type identity struct {
	PrincipalID string `json:"principalId"`
}

type entity struct {
	SchemaVersion   string       `json:"s3SchemaVersion"`
	ConfigurationID string       `json:"configurationId"`
	Bucket          bucketEntity `json:"bucket"`
	Object          objectEntity `json:"object"`
}

type bucketEntity struct {
	Name          string   `json:"name"`
	OwnerIdentity identity `json:"ownerIdentity"`
	ARN           string   `json:"arn"`
}

type objectEntity struct {
	Key       string `json:"key"`
	Size      int64  `json:"size"`
	ETag      string `json:"eTag"`
	VersionID string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer"`
}

// event is the document that AWS would send for a created object.
func (i intent) event(region, sequencer string, o object) ([]byte, error) {
	doc, err := json.Marshal(map[string][]record{"Records": {{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: region, EventName: i.Event,
		EventTime:         i.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		UserIdentity:      identity{"local"},
		RequestParameters: map[string]string{"sourceIPAddress": "127.0.0.1"},
		ResponseElements:  map[string]string{"x-amz-request-id": sequencer, "x-amz-id-2": sequencer},
		S3: entity{
			SchemaVersion: "1.0", ConfigurationID: "local",
			Bucket: bucketEntity{Name: i.Bucket, OwnerIdentity: identity{"local"}, ARN: "arn:aws:s3:::" + i.Bucket},
			Object: objectEntity{
				Key: escape(i.Key), Size: o.size, ETag: strings.Trim(o.etag, `"`), VersionID: o.version, Sequencer: sequencer,
			},
		},
	}}})
	if err != nil {
		return nil, fmt.Errorf("write the event: %w", err)
	}
	return doc, nil
}

// escape is how AWS writes a key into an event: as in a query, with '/' kept.
func escape(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

func newIntent(event string, bucket, key *string) intent {
	return intent{Event: event, Bucket: *bucket, Key: *key, Time: time.Now()}
}
