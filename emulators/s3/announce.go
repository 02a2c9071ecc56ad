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

// announcer makes an event of every object that is created under prefix. No object is created before its
// intent is on disk: who kills the process anywhere in between loses nothing. A client whose connection
// died repeats its PUT and gets 412, so nobody else would tell of the object.
type announcer struct {
	backend.Backend
	outbox         *outbox
	faults         *faults
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

// announce creates the object between its intent and its event.
func (a *announcer) announce(ctx context.Context, i intent, create func() (object, error)) error {
	if !strings.HasPrefix(i.Key, a.prefix) || a.faults.losesEvents(i.Key) {
		_, err := create()
		return err
	}
	name, err := a.outbox.begin(i)
	if err != nil {
		return err
	}
	created, err := create()
	if refused(err) {
		a.outbox.abandon(name)
		return err
	}
	if untold := a.tell(ctx, name, i, created); untold != nil { // whatever err is, the object may be there
		slog.Error("the event of an object waits for the next start", "error", untold)
	}
	return err
}

// recover tells of the objects that an earlier process was creating when it died. Of those that did not
// come to be, forget removes the traces.
func (a *announcer) recover(ctx context.Context, forget func(bucket, key string) error) error {
	return a.outbox.recover(func(name string, i intent) error {
		if err := forget(i.Bucket, i.Key); err != nil {
			return fmt.Errorf("remove the traces of an object that was never there: %w", err)
		}
		return a.tell(ctx, name, i, object{})
	})
}

// tell turns an intent into an event. An object of which only the version, or not even that, is known is
// looked up; one that is not there makes no event.
func (a *announcer) tell(ctx context.Context, name string, i intent, o object) error {
	if o.etag == "" {
		found, err := a.find(ctx, i, o.version)
		if refused(err) {
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
		return object{}, fmt.Errorf("look for the object: %w", err)
	}
	return object{version: aws.ToString(head.VersionId), etag: aws.ToString(head.ETag), size: aws.ToInt64(head.ContentLength)}, nil
}

// refused says that S3 answered, and with no: nothing was created.
func refused(err error) bool {
	answer, ok := errors.AsType[s3err.S3Error](err)
	return ok && answer.StatusCode() < 500
}
