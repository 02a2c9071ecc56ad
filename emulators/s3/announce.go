package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"

	"triptych/emulators/s3event"
)

// announcer creates an event for every new object whose key starts with prefix. It stores an intent before it creates the
// object, so that a kill in between loses no event. A repeated PUT could not replace a lost event: S3 responds with 412.
type announcer struct {
	backend.Backend
	outbox         *outbox
	faults         *injector
	prefix, region string
}

func (a *announcer) PutObject(ctx context.Context, in s3response.PutObjectInput) (out s3response.PutObjectOutput, err error) {
	err = a.announce(ctx, "ObjectCreated:Put", in.Bucket, in.Key, func() (version string, err error) {
		out, err = a.Backend.PutObject(ctx, in)
		return out.VersionID, err
	})
	return out, err
}

func (a *announcer) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (out s3response.CompleteMultipartUploadResult, version string, err error) {
	err = a.announce(ctx, "ObjectCreated:CompleteMultipartUpload", in.Bucket, in.Key, func() (string, error) {
		out, version, err = a.Backend.CompleteMultipartUpload(ctx, in)
		return version, err
	})
	return out, version, err
}

func (a *announcer) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (out s3response.CopyObjectOutput, err error) {
	err = a.announce(ctx, "ObjectCreated:Copy", in.Bucket, in.Key, func() (version string, err error) {
		out, err = a.Backend.CopyObject(ctx, in)
		return aws.ToString(out.VersionId), err
	})
	return out, err
}

// announce stores an intent, calls create to create the object, and replaces the intent with the event.
func (a *announcer) announce(ctx context.Context, event string, bucket, key *string, create func() (version string, err error)) error {
	if a.outbox.notify == "" || !strings.HasPrefix(*key, a.prefix) || a.faults.dropsEvents(*key) {
		_, err := create()
		return err
	}
	c := s3event.Creation{EventName: event, Region: a.region, Bucket: *bucket, Key: *key, Time: time.Now(), Sequencer: a.outbox.sequencer()}
	if err := a.outbox.addIntent(c); err != nil {
		return err
	}
	version, err := create()
	if rejected(err) {
		a.outbox.removeIntent(c)
		return err
	}
	// The object may exist despite a 5xx error, so complete looks it up.
	c.VersionID = version
	if eventErr := a.complete(ctx, c); eventErr != nil {
		slog.Error("the event of an object is delayed until the next start", "error", eventErr)
	}
	return err
}

// recover completes the intents of an earlier process that was killed. cleanUp removes the remains of an interrupted
// creation.
func (a *announcer) recover(ctx context.Context, cleanUp func(bucket, key string) error) error {
	left, err := a.outbox.readIntents()
	if err != nil {
		return err
	}
	for _, c := range left {
		err := cleanUp(c.Bucket, c.Key)
		if err == nil {
			err = a.complete(ctx, c)
		}
		if err != nil {
			slog.Error("cannot find out whether an object was created; it is checked again after the next start", "error", err)
		}
	}
	return nil
}

// complete replaces the intent with the event of the object, or drops it if the object does not exist.
func (a *announcer) complete(ctx context.Context, c s3event.Creation) error {
	head, err := a.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &c.Bucket, Key: &c.Key, VersionId: &c.VersionID})
	if err != nil && !rejected(err) {
		return fmt.Errorf("looking the object up: %w", err)
	}
	if err == nil {
		c.VersionID, c.ETag, c.Size = aws.ToString(head.VersionId), aws.ToString(head.ETag), aws.ToInt64(head.ContentLength)
		if err := a.outbox.addEvent(c); err != nil {
			return err
		}
	}
	a.outbox.removeIntent(c)
	return nil
}

// rejected reports whether err is a 4xx error of S3, which means that no object was created.
func rejected(err error) bool {
	s3Error, ok := errors.AsType[s3err.S3Error](err)
	return ok && s3Error.StatusCode() < 500
}
