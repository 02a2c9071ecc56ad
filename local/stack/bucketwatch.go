package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/emulators/s3event"
	"triptych/internal/objects"
	"triptych/picture"
)

// An object appears in the bucket at most maxUploadDelay after the time in the object's key.
const maxUploadDelay = picture.GrantTTL + time.Minute

// watchBucket polls a real S3 bucket, because AWS cannot send events to this machine.
func (s *Stack) watchBucket(ctx context.Context) error {
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("reading the AWS configuration: %w", err)
	}
	w := bucketWatch{
		client: objects.Open(cfg), bucket: s.Endpoints.Bucket, lambdaURL: s.LambdaURL, sent: map[string]bool{},
	}
	s.goTask(func() error {
		since := time.Now().Add(-24 * time.Hour)
		for {
			polled := time.Now()
			if err := w.poll(ctx, since); err == nil {
				since = polled.Add(-maxUploadDelay)
			} else if ctx.Err() == nil {
				slog.Error("polling the bucket failed and is retried", "bucket", w.bucket, "error", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Second):
			}
		}
	})
	return nil
}

type bucketWatch struct {
	client    *s3.Client
	bucket    string
	lambdaURL string
	sent      map[string]bool // keys that the next poll can return again
}

func (w *bucketWatch) poll(ctx context.Context, since time.Time) error {
	after := picture.KeyAt(since)
	pages := s3.NewListObjectsV2Paginator(objects.Lister{Client: w.client}, &s3.ListObjectsV2Input{Bucket: &w.bucket, Prefix: aws.String(picture.Prefix), StartAfter: &after})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			key := aws.ToString(o.Key)
			if w.sent[key] {
				continue
			}
			if err := w.sendEvent(ctx, key); err != nil {
				return err
			}
			w.sent[key] = true
		}
	}
	for key := range w.sent {
		if key < after {
			delete(w.sent, key)
		}
	}
	return nil
}

func (w *bucketWatch) sendEvent(ctx context.Context, key string) error {
	head, err := w.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &w.bucket, Key: &key})
	if err != nil {
		return fmt.Errorf("reading the version of a new object: %w", err)
	}
	event, err := json.Marshal(s3event.Event{Records: []s3event.Record{s3event.Created(picture.Picture{
		Bucket: w.bucket, Key: key, VersionID: aws.ToString(head.VersionId), ETag: aws.ToString(head.ETag),
		Size: aws.ToInt64(head.ContentLength), UploadedAt: aws.ToTime(head.LastModified),
	})}})
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	return s3event.Send(ctx, w.lambdaURL, event)
}
