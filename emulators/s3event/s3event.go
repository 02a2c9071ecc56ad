// Package s3event sends S3's notifications of new objects to Lambda, in version 2.1 of the format in
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html. The package does not use
// events.S3EventRecord, because the JSON of that type has nanoseconds and urlDecodedKey, which S3 does not send.
package s3event

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"triptych/picture"
)

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
	UserIdentity      identity          `json:"userIdentity"`
	RequestParameters map[string]string `json:"requestParameters"`
	ResponseElements  map[string]string `json:"responseElements"`
	S3                entity            `json:"s3"`
}

type identity struct {
	PrincipalID string `json:"principalId"`
}

type entity struct {
	SchemaVersion   string `json:"s3SchemaVersion"`
	ConfigurationID string `json:"configurationId"`
	Bucket          bucket `json:"bucket"`
	Object          object `json:"object"`
}

type bucket struct {
	Name          string   `json:"name"`
	OwnerIdentity identity `json:"ownerIdentity"`
	ARN           string   `json:"arn"`
}

type object struct {
	Key       string `json:"key"`
	Size      int64  `json:"size"`
	ETag      string `json:"eTag"`
	VersionID string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer"`
}

// Creation describes a new object. Key is not URL-encoded. ETag may be in quotation marks.
type Creation struct {
	EventName, Region, Bucket, Key, VersionID, ETag string

	Size      int64
	Time      time.Time
	Sequencer string // hexadecimal; AWS compares sequencers as strings to order the events of one key
}

// Created returns the event record that S3 sends after a PUT of the picture.
func Created(p picture.Picture) Record {
	return New(Creation{
		EventName: "ObjectCreated:Put", Region: "eu-central-1", Bucket: p.Bucket, Key: p.Key, VersionID: p.VersionID, ETag: p.ETag,
		Size: p.Size, Time: p.UploadedAt, Sequencer: fmt.Sprintf("%016X", p.UploadedAt.UnixNano()),
	})
}

func New(c Creation) Record {
	return Record{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: c.Region, EventName: c.EventName,
		EventTime:         c.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		UserIdentity:      identity{"local"},
		RequestParameters: map[string]string{"sourceIPAddress": "127.0.0.1"},
		ResponseElements:  map[string]string{"x-amz-request-id": c.Sequencer, "x-amz-id-2": c.Sequencer},
		S3: entity{
			SchemaVersion: "1.0", ConfigurationID: "local",
			Bucket: bucket{Name: c.Bucket, OwnerIdentity: identity{"local"}, ARN: "arn:aws:s3:::" + c.Bucket},
			Object: object{
				Key:  EncodeKey(c.Key),
				Size: c.Size, ETag: strings.Trim(c.ETag, `"`), VersionID: c.VersionID, Sequencer: c.Sequencer,
			},
		},
	}
}

// EncodeKey encodes a key as S3 does in events and lists: "a+b/c d" becomes "a%2Bb/c+d".
func EncodeKey(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }

var client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}

// Send returns when Lambda has accepted the event. An example of lambdaURL is
// http://127.0.0.1:9001/2015-03-31/functions/trigger/invocations.
func Send(ctx context.Context, lambdaURL string, event []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, lambdaURL, bytes.NewReader(event))
	if err != nil {
		return fmt.Errorf("creating the invocation: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Amz-Invocation-Type", "Event")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("invoking the function: %w", err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("invoking the function: %s %q instead of 202", resp.Status, body)
	}
	return nil
}
