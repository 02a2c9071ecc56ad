// Package s3event builds the event notifications that S3 sends for new objects, in version 2.1 of the documented format:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
// events.S3EventRecord of aws-lambda-go decodes them, but does not encode them as S3 does: it adds urlDecodedKey and
// prints times with nanoseconds.
package s3event

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"triptych/picture"
)

// Event is the JSON document of one notification.
type Event struct {
	Records []Record `json:"Records"`
}

// Record describes one new object version.
type Record struct {
	EventVersion      string            `json:"eventVersion"`
	EventSource       string            `json:"eventSource"`
	AWSRegion         string            `json:"awsRegion"`
	EventTime         string            `json:"eventTime"`
	EventName         string            `json:"eventName"`
	UserIdentity      Identity          `json:"userIdentity"`
	RequestParameters map[string]string `json:"requestParameters"`
	ResponseElements  map[string]string `json:"responseElements"`
	S3                Entity            `json:"s3"`
}

// Identity is the AWS principal that created the object or owns the bucket.
type Identity struct {
	PrincipalID string `json:"principalId"`
}

// Entity names the object, its bucket and the bucket's notification configuration.
type Entity struct {
	SchemaVersion   string `json:"s3SchemaVersion"`
	ConfigurationID string `json:"configurationId"`
	Bucket          Bucket `json:"bucket"`
	Object          Object `json:"object"`
}

// Bucket is the bucket of the new object.
type Bucket struct {
	Name          string   `json:"name"`
	OwnerIdentity Identity `json:"ownerIdentity"`
	ARN           string   `json:"arn"`
}

// Object is the new object version. Key is encoded as in a URL query, and ETag has no quotes.
type Object struct {
	Key       string `json:"key"`
	Size      int64  `json:"size"`
	ETag      string `json:"eTag"`
	VersionID string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer"`
}

// Creation states what happened. Key is not encoded; ETag may have quotes.
type Creation struct {
	EventName string // ObjectCreated:Put, for example
	Region    string
	Bucket    string
	Key       string
	VersionID string
	ETag      string
	Size      int64
	Time      time.Time
	Sequencer string // hexadecimal; AWS compares sequencers as strings to order the events of one key
}

// Created returns the record of a picture that was uploaded by one PUT request. Its sequencer is the time of the upload.
func Created(p picture.Picture) Record {
	return New(Creation{
		EventName: "ObjectCreated:Put", Region: "eu-central-1", Bucket: p.Bucket, Key: p.Key, VersionID: p.VersionID, ETag: p.ETag,
		Size: p.Size, Time: p.UploadedAt, Sequencer: fmt.Sprintf("%016X", p.UploadedAt.UnixNano()),
	})
}

// New returns the record of a new object.
func New(c Creation) Record {
	return Record{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: c.Region, EventName: c.EventName,
		EventTime:         c.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		UserIdentity:      Identity{"local"},
		RequestParameters: map[string]string{"sourceIPAddress": "127.0.0.1"},
		ResponseElements:  map[string]string{"x-amz-request-id": c.Sequencer, "x-amz-id-2": c.Sequencer},
		S3: Entity{
			SchemaVersion: "1.0", ConfigurationID: "local",
			Bucket: Bucket{Name: c.Bucket, OwnerIdentity: Identity{"local"}, ARN: "arn:aws:s3:::" + c.Bucket},
			Object: Object{
				Key: escape(c.Key), Size: c.Size, ETag: strings.Trim(c.ETag, `"`), VersionID: c.VersionID, Sequencer: c.Sequencer,
			},
		},
	}
}

// escape encodes a key as AWS does in events: like a query parameter, except that '/' is not escaped.
func escape(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}
