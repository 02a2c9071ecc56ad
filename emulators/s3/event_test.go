package main

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func put(t testing.TB, s *server, key, body string) *s3.PutObjectOutput {
	t.Helper()
	out, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEvent(t *testing.T) {
	l := startLambda(t)
	s := start(t, t.TempDir(), l.URL)

	t.Run("event_has_AWSs_format", func(t *testing.T) {
		out := put(t, s, "pictures/a b.jpg", picture)
		got := l.take(t)
		if kind := got.header.Get("X-Amz-Invocation-Type"); kind != "Event" {
			t.Errorf("invocation type %q, want Event", kind)
		}
		var event struct{ Records []map[string]any }
		if err := json.Unmarshal(got.body, &event); err != nil || len(event.Records) != 1 {
			t.Fatalf("event %s: %v", got.body, err)
		}
		r := event.Records[0]
		for _, name := range []string{"eventTime", "userIdentity", "requestParameters", "responseElements"} {
			if r[name] == nil {
				t.Errorf("the record has no %s: %s", name, got.body)
			}
		}
		if r["eventVersion"] != "2.1" || r["eventSource"] != "aws:s3" || r["awsRegion"] != region || r["eventName"] != "ObjectCreated:Put" {
			t.Errorf("record %s", got.body)
		}
		s3Fields := r["s3"].(map[string]any)
		bucketFields, object := s3Fields["bucket"].(map[string]any), s3Fields["object"].(map[string]any)
		if bucketFields["name"] != bucket || bucketFields["arn"] != "arn:aws:s3:::"+bucket {
			t.Errorf("bucket %v", bucketFields)
		}
		if object["key"] != "pictures/a+b.jpg" || object["size"] != float64(len(picture)) || object["sequencer"] == "" ||
			object["versionId"] != *out.VersionId || object["eTag"] != strings.Trim(*out.ETag, `"`) {
			t.Errorf("object %v, want version %s and ETag %s", object, *out.VersionId, *out.ETag)
		}
	})
	t.Run("copy_causes_an_event", func(t *testing.T) {
		out, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{
			Bucket: aws.String(bucket), Key: aws.String("pictures/copy.jpg"), CopySource: aws.String(bucket + "/pictures/a%20b.jpg"),
		})
		if err != nil {
			t.Fatal(err)
		}
		e := l.next(t)
		if e.EventName != "ObjectCreated:Copy" || e.S3.Object.VersionID != *out.VersionId || e.S3.Object.Size != int64(len(picture)) {
			t.Errorf("event %+v", e)
		}
	})
	t.Run("multipart_upload_causes_an_event", func(t *testing.T) {
		version := multipart(t, s, "pictures/parts.jpg", picture)
		e := l.next(t)
		if e.EventName != "ObjectCreated:CompleteMultipartUpload" || e.S3.Object.VersionID != version || e.S3.Object.Size != int64(len(picture)) {
			t.Errorf("event %+v", e)
		}
	})
	t.Run("key_outside_the_prefix_causes_no_event", func(t *testing.T) {
		put(t, s, "elsewhere/a.jpg", picture)
		put(t, s, "pictures/next.jpg", picture)
		if e := l.next(t); e.S3.Object.URLDecodedKey != "pictures/next.jpg" {
			t.Errorf("event of %q", e.S3.Object.URLDecodedKey)
		}
	})
}

func multipart(t *testing.T, s *server, key, body string) (version string) {
	t.Helper()
	created, err := s.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	part, err := s.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: aws.String(bucket), Key: &key, UploadId: created.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader(body),
	})
	if err != nil {
		t.Fatal(err)
	}
	done, err := s.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(bucket), Key: &key, UploadId: created.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(done.VersionId)
}

func TestConcurrentOverwrites(t *testing.T) {
	t.Run("events_have_the_sizes_and_the_order_of_their_versions", func(t *testing.T) {
		l := startLambda(t)
		s := start(t, t.TempDir(), l.URL)
		const writers, versions = 8, 20
		var sizes sync.Map
		var wg sync.WaitGroup
		for writer := range writers {
			wg.Go(func() {
				for i := range versions {
					body := strings.Repeat("x", 1+writer*versions+i)
					in := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("pictures/a.jpg"), Body: strings.NewReader(body)}
					out, err := s.PutObject(t.Context(), in)
					if err != nil {
						t.Error(err)
						return
					}
					sizes.Store(*out.VersionId, int64(len(body)))
				}
			})
		}
		wg.Wait()
		received := map[string]events.S3EventRecord{}
		for range writers * versions {
			e := l.next(t)
			o := e.S3.Object
			received[o.VersionID] = e
			if size, _ := sizes.LoadAndDelete(o.VersionID); size != o.Size {
				t.Errorf("event of version %s has size %d, want %v", o.VersionID, o.Size, size)
			}
		}
		listed, _ := s.versions(t, "pictures/a.jpg") // the latest version is first
		for i, older := range listed[1:] {
			first, second := received[older], received[listed[i]]
			if first.S3.Object.Sequencer >= second.S3.Object.Sequencer || first.EventTime.After(second.EventTime) {
				t.Errorf("sequencer %s at %s precedes %s at %s", first.S3.Object.Sequencer, first.EventTime, second.S3.Object.Sequencer, second.EventTime)
			}
		}
	})
}

func TestUnusualKeys(t *testing.T) {
	l := startLambda(t)
	s := start(t, t.TempDir(), l.URL)
	for name, key := range map[string]string{
		"a_plus":                 "pictures/a+b.jpg",
		"an_escaped_plus":        "pictures/a%2Bb.jpg",
		"a_space":                "pictures/a b.jpg",
		"escaped_dots":           "pictures/%2e%2e/a.jpg",
		"a_lone_percent":         "pictures/100%.jpg",
		"delimiters_of_a_URL":    "pictures/?#&=;:@,a.jpg",
		"delimiters_of_XML":      `pictures/<a>&"'.jpg`,
		"a_backslash":            `pictures/a\b.jpg`,
		"a_newline":              "pictures/a\nb.jpg",
		"composed_letters":       "pictures/\u00e9.jpg",
		"decomposed_letters":     "pictures/e\u0301.jpg",
		"right_to_left":          "pictures/\u05d0\u202eb.jpg",
		"emoji":                  "pictures/😀👩‍👩‍👧.jpg",
		"a_tilde_and_a_star":     "pictures/~*()!.jpg",
		"1024_bytes":             "pictures/" + strings.Repeat(strings.Repeat("k", 199)+"/", 5) + strings.Repeat("k", 15),
		"1024_bytes_of_letters":  "pictures/" + strings.Repeat(strings.Repeat("é", 99)+"a/", 5) + strings.Repeat("k", 15),
		"a_trailing_dot_segment": "pictures/a.",
	} {
		t.Run(name, func(t *testing.T) {
			signed := grant(t, s.Client, key)
			if resp := do(t, "PUT", signed.URL, headers(signed), picture); resp.StatusCode != 200 {
				t.Fatalf("PUT: %s %s", resp.Status, text(t, resp))
			}
			if got := l.next(t).S3.Object.URLDecodedKey; got != key {
				t.Errorf("event's key decodes to %q, want %q", got, key)
			}
			if _, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &key}); err != nil {
				t.Errorf("the object is not found by its key: %v", err)
			}
		})
	}
	for name, path := range map[string]string{
		"path_outside_the_bucket_is_refused":         "/pictures/../../outside.jpg",
		"escaped_path_outside_the_bucket_is_refused": "/pictures/%2e%2e/%2e%2e/outside.jpg",
		"NUL_is_refused":                             "/pictures/a%00b.jpg",
	} {
		t.Run(name, func(t *testing.T) {
			resp := do(t, "PUT", s.url+"/"+bucket+path, nil, picture)
			if resp.StatusCode != 501 {
				t.Errorf("PUT: %s", resp.Status)
			}
		})
	}
}
