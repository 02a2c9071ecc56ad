package s3event_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"triptych/emulators/s3event"
	"triptych/picture"
)

func TestCreated(t *testing.T) {
	p := picture.Picture{
		Bucket: "pictures", Key: "pictures/a+b c.jpg", VersionID: "3HL4kqtJvjVBH40Nrjfkd3", ETag: `"d41d8cd98f00b204e9800998ecf8427e"`,
		Size: 1024, UploadedAt: time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC),
	}
	doc, err := json.Marshal(s3event.Created(p))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("aws-lambda-go_decodes_every_field", func(t *testing.T) {
		var got events.S3EventRecord
		if err := json.Unmarshal(doc, &got); err != nil {
			t.Fatal(err)
		}
		object := got.S3.Object
		if object.URLDecodedKey != p.Key || object.VersionID != p.VersionID || object.Size != p.Size || !got.EventTime.Equal(p.UploadedAt) {
			t.Errorf("decoded %+v", got)
		}
		if object.ETag != "d41d8cd98f00b204e9800998ecf8427e" {
			t.Errorf("ETag %q is quoted", object.ETag)
		}
	})
	t.Run("JSON_is_what_S3_sends", func(t *testing.T) {
		const want = `{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1","eventTime":"2026-01-02T03:04:05.006Z",` +
			`"eventName":"ObjectCreated:Put","userIdentity":{"principalId":"local"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},` +
			`"responseElements":{"x-amz-id-2":"1886CAF21CF1BF80","x-amz-request-id":"1886CAF21CF1BF80"},"s3":{"s3SchemaVersion":"1.0",` +
			`"configurationId":"local","bucket":{"name":"pictures","ownerIdentity":{"principalId":"local"},"arn":"arn:aws:s3:::pictures"},` +
			`"object":{"key":"pictures/a%2Bb+c.jpg","size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e",` +
			`"versionId":"3HL4kqtJvjVBH40Nrjfkd3","sequencer":"1886CAF21CF1BF80"}}}`
		if string(doc) != want {
			t.Errorf("got  %s\nwant %s", doc, want)
		}
	})
}
