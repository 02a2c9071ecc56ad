package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// announcer creates an event for every object whose key starts with prefix. It writes an intent to disk before it creates
// the object, so that no event is lost if the process is killed in between. The client could not replace a lost event: it
// would repeat its PUT and receive 412.
type announcer struct {
	backend.Backend
	outbox         *outbox
	faults         *injector
	sends          bool // false if there is no function to notify
	prefix, region string
}

func (a *announcer) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	var out s3response.PutObjectOutput
	err := a.announce(ctx, newIntent("ObjectCreated:Put", in.Bucket, in.Key), func() (created object, err error) {
		out, err = a.Backend.PutObject(ctx, in)
		return object{version: out.VersionID, etag: out.ETag, size: aws.ToInt64(out.Size)}, err
	})
	return out, err
}

func (a *announcer) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	var out s3response.CompleteMultipartUploadResult
	var version string
	err := a.announce(ctx, newIntent("ObjectCreated:CompleteMultipartUpload", in.Bucket, in.Key), func() (created object, err error) {
		out, version, err = a.Backend.CompleteMultipartUpload(ctx, in)
		return object{version: version}, err
	})
	return out, version, err
}

func (a *announcer) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	var out s3response.CopyObjectOutput
	err := a.announce(ctx, newIntent("ObjectCreated:Copy", in.Bucket, in.Key), func() (created object, err error) {
		out, err = a.Backend.CopyObject(ctx, in)
		return object{version: aws.ToString(out.VersionId)}, err
	})
	return out, err
}

// announce writes the intent, creates the object and completes the intent with the event.
func (a *announcer) announce(ctx context.Context, i intent, create func() (object, error)) error {
	if !a.sends || !strings.HasPrefix(i.Key, a.prefix) || a.faults.dropsEvents(i.Key) {
		_, err := create()
		return err
	}
	name, err := a.outbox.begin(i)
	if err != nil {
		return err
	}
	created, err := create()
	if rejected(err) {
		a.outbox.abandon(name)
		return err
	}
	// If err is a 5xx, S3 may have created the object nevertheless, so complete must look it up.
	if eventErr := a.complete(ctx, name, i, created); eventErr != nil {
		slog.Error("the event of an object is delayed until the next start", "error", eventErr)
	}
	return err
}

// recover creates the events of objects that an earlier process was creating when it was killed. cleanUp removes what
// remains of an object that was not created.
func (a *announcer) recover(ctx context.Context, cleanUp func(bucket, key string) error) error {
	return a.outbox.recover(func(name string, i intent) error {
		if err := cleanUp(i.Bucket, i.Key); err != nil {
			return fmt.Errorf("removing the remains of an object that was not created: %w", err)
		}
		return a.complete(ctx, name, i, object{})
	})
}

// complete turns an intent into an event. If the ETag is unknown, complete looks the object up; if the object does not
// exist, complete drops the intent.
func (a *announcer) complete(ctx context.Context, name string, i intent, o object) error {
	if o.etag == "" {
		found, err := a.find(ctx, i, o.version)
		if rejected(err) {
			a.outbox.abandon(name)
			return nil
		}
		if err != nil {
			return err
		}
		o = found
	}
	event, err := i.event(a.region, name, o)
	if err != nil {
		return err
	}
	return a.outbox.complete(name, event)
}

func (a *announcer) find(ctx context.Context, i intent, version string) (object, error) {
	head, err := a.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &i.Bucket, Key: &i.Key, VersionId: &version})
	if err != nil {
		return object{}, fmt.Errorf("looking the object up: %w", err)
	}
	return object{version: aws.ToString(head.VersionId), etag: aws.ToString(head.ETag), size: aws.ToInt64(head.ContentLength)}, nil
}

// rejected reports whether err is a 4xx error of S3, which means that no object was created.
func rejected(err error) bool {
	s3Error, ok := errors.AsType[s3err.S3Error](err)
	return ok && s3Error.StatusCode() < 500
}
