package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/oklog/ulid/v2"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"

	"triptych/emulators/s3event"
)

// announcer stores an intent before it creates an object. If the process is killed before it has stored the event, the
// next process creates the event from the intent.
type announcer struct {
	backend.Backend
	outbox         *outbox
	faults         *injector
	prefix, region string
}

func (a *announcer) PutObject(ctx context.Context, in s3response.PutObjectInput) (out s3response.PutObjectOutput, err error) {
	event := "ObjectCreated:Put"
	if request, ok := ctx.(*fasthttp.RequestCtx); ok && request.IsPost() { // the form of a browser
		event = "ObjectCreated:Post"
	}
	err = a.announce(ctx, event, in.Bucket, in.Key, func(c *s3event.Creation) error {
		out, err = a.Backend.PutObject(ctx, in)
		c.VersionID, c.ETag, c.Size = out.VersionID, out.ETag, aws.ToInt64(out.Size)
		return err
	})
	return out, err
}

func (a *announcer) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (out s3response.CompleteMultipartUploadResult, version string, err error) {
	err = a.announce(ctx, "ObjectCreated:CompleteMultipartUpload", in.Bucket, in.Key, func(c *s3event.Creation) error {
		out, version, err = a.Backend.CompleteMultipartUpload(ctx, in)
		c.VersionID = version
		return err
	})
	return out, version, err
}

func (a *announcer) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (out s3response.CopyObjectOutput, err error) {
	err = a.announce(ctx, "ObjectCreated:Copy", in.Bucket, in.Key, func(c *s3event.Creation) error {
		out, err = a.Backend.CopyObject(ctx, in)
		c.VersionID = aws.ToString(out.VersionId)
		return err
	})
	return out, err
}

// The function create must set Creation.VersionID.
func (a *announcer) announce(ctx context.Context, event string, bucket, key *string, create func(*s3event.Creation) error) error {
	id := a.outbox.newID()
	c := s3event.Creation{EventName: event, Region: a.region, Bucket: *bucket, Key: *key, Time: time.Now(), Sequencer: id}
	if a.outbox.notify == "" || !strings.HasPrefix(*key, a.prefix) || a.faults.eventFault(*key) == dropEvents {
		return create(&c)
	}
	if err := a.outbox.addIntent(id, c); err != nil {
		return err
	}
	err := create(&c)
	if createdNothing(err) {
		a.outbox.removeIntent(id)
		return err
	}
	if eventErr := a.complete(context.WithoutCancel(ctx), id, c); eventErr != nil {
		slog.Error("the event of an object is delayed until the next start", "error", eventErr)
	}
	return err
}

func (a *announcer) recover(ctx context.Context, cleanUp func(bucket, key string) error) error {
	left, err := a.outbox.readIntents()
	if err != nil {
		return err
	}
	for id, c := range left {
		err := cleanUp(c.Bucket, c.Key)
		if err == nil {
			err = a.complete(ctx, id, c)
		}
		if err != nil {
			slog.Error("cannot find out whether an object was created; it is checked again after the next start", "error", err)
		}
	}
	return nil
}

func (a *announcer) complete(ctx context.Context, id string, c s3event.Creation) error {
	if err := a.addEvents(ctx, c); err != nil {
		return err
	}
	a.outbox.removeIntent(id)
	return nil
}

func (a *announcer) addEvents(ctx context.Context, c s3event.Creation) error {
	if c.ETag != "" {
		return a.add(withOrder(c))
	}
	if c.VersionID == "" {
		return a.addSince(ctx, c)
	}
	head, err := a.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &c.Bucket, Key: &c.Key, VersionId: &c.VersionID})
	if createdNothing(err) { // the version has been deleted already
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking the object up: %w", err)
	}
	c.ETag, c.Size = aws.ToString(head.ETag), aws.ToInt64(head.ContentLength)
	return a.add(withOrder(c))
}

// addSince adds the events of all versions since the intent, because the intent does not contain the version ID. Other
// requests may have created some of these versions; their events are then sent twice.
func (a *announcer) addSince(ctx context.Context, c s3event.Creation) error {
	const maxVersions = 1000
	began := c.Time.Truncate(time.Millisecond)
	list, err := a.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &c.Bucket, Prefix: &c.Key, MaxKeys: aws.Int32(maxVersions)})
	if err != nil {
		return fmt.Errorf("listing the versions of the object: %w", err)
	}
	for _, v := range list.Versions {
		c.VersionID, c.ETag, c.Size = *v.VersionId, *v.ETag, *v.Size
		created := withOrder(c)
		if *v.Key != c.Key || created.Time.Before(began) {
			continue
		}
		if err := a.add(created); err != nil {
			return err
		}
	}
	return nil
}

// withOrder takes the time and the sequencer from the version ID. versitygw creates this ULID under the key's lock,
// so sequencers have the order of the versions, even if an upload that began first ended last.
func withOrder(c s3event.Creation) s3event.Creation {
	version, err := ulid.Parse(c.VersionID)
	if err != nil { // keys that end in a slash have no versions
		c.Time = time.Now()
		return c
	}
	c.Time, c.Sequencer = version.Timestamp(), fmt.Sprintf("%X", version[:])
	return c
}

// S3 created no object if the error is 4xx or NotImplemented.
func createdNothing(err error) bool {
	s3Error, ok := errors.AsType[s3err.S3Error](err)
	return ok && (s3Error.StatusCode() < 500 || s3Error.StatusCode() == http.StatusNotImplemented)
}
