package stack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/internal/objects"
	"triptych/internal/settings"
	"triptych/picture"
)

// useReal points at the real clouds that were asked for, and says at once what is missing to reach them.
func (s *Stack) useReal() error {
	if s.config.real("google") {
		s.Endpoints.Vision = cmp.Or(os.Getenv("VISION_EMULATOR_HOST"), "vision.googleapis.com")
	}
	if s.config.real("azure") {
		if err := settings.Require(os.Getenv, "COSMOS_ENDPOINT"); err != nil {
			return fmt.Errorf("-real azure: %w", err)
		}
		s.Endpoints.Cosmos, s.Endpoints.CosmosKey = os.Getenv("COSMOS_ENDPOINT"), os.Getenv("COSMOS_KEY")
	}
	if s.config.real("aws") {
		if err := settings.Require(os.Getenv, "TRIPTYCH_BUCKET"); err != nil {
			return fmt.Errorf("-real aws: %w", err)
		}
		s.Endpoints.S3 = cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), "https://s3.amazonaws.com")
		s.Endpoints.Bucket, s.Endpoints.AccessKey, s.Endpoints.SecretKey = os.Getenv("TRIPTYCH_BUCKET"), "", ""
	}
	return nil
}

// late is how long after its ID was minted an object can still appear.
const late = picture.GrantTTL + time.Minute

// startWatch tells the local trigger of every new object in a real bucket, whose own events cannot reach this
// machine. The first look goes back a day; telling the trigger twice does nothing.
func (s *Stack) startWatch(ctx context.Context) error {
	client, err := objects.Open(ctx)
	if err != nil {
		return err
	}
	w := watch{client: client, bucket: s.Endpoints.Bucket, notify: s.LambdaURL, told: map[string]bool{}}
	s.task(func() error {
		since := time.Now().Add(-24 * time.Hour)
		for {
			looked := time.Now()
			if err := w.look(ctx, since); err == nil {
				since = looked.Add(-late)
			} else if ctx.Err() == nil {
				slog.Error("looking for new pictures in the bucket; trying again", "bucket", w.bucket, "error", err)
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

type watch struct {
	client *s3.Client
	bucket string
	notify string
	told   map[string]bool // keys minted since the last look went back to
}

// look lists what was minted since then, and tells of what is new.
func (w *watch) look(ctx context.Context, since time.Time) error {
	after := picture.KeyAt(since)
	pages := s3.NewListObjectsV2Paginator(w.client, &s3.ListObjectsV2Input{Bucket: &w.bucket, Prefix: aws.String(picture.Prefix), StartAfter: &after})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			key := aws.ToString(o.Key)
			if w.told[key] {
				continue
			}
			if err := w.tell(ctx, key); err != nil {
				return err
			}
			w.told[key] = true
		}
	}
	for key := range w.told {
		if key < after {
			delete(w.told, key)
		}
	}
	return nil
}

// tell sends the event that S3 would.
func (w *watch) tell(ctx context.Context, key string) error {
	head, err := w.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &w.bucket, Key: &key})
	if err != nil {
		return fmt.Errorf("reading the version of a new object: %w", err)
	}
	event, err := json.Marshal(events.S3Event{Records: []events.S3EventRecord{Created(picture.Picture{
		Bucket: w.bucket, Key: key, VersionID: aws.ToString(head.VersionId), ETag: aws.ToString(head.ETag),
		Size: aws.ToInt64(head.ContentLength), UploadedAt: aws.ToTime(head.LastModified),
	})}})
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.notify, bytes.NewReader(event))
	if err != nil {
		return fmt.Errorf("telling the trigger: %w", err)
	}
	req.Header.Set("X-Amz-Invocation-Type", "Event")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("telling the trigger: %w", err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("telling the trigger: it answered %s", res.Status)
	}
	return nil
}
