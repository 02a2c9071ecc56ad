package activities

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/internal/objects"
	"triptych/picture"
)

// Send is how Google gets the picture.
type Send string

const (
	ByURL   Send = "url"   // Google fetches the picture
	ByBytes Send = "bytes" // the worker reads the picture and sends it
)

// MaxInlineSize, in bytes, leaves 64 KiB for other fields, because Google limits a gRPC request to 10 MiB
// (github.com/GoogleCloudPlatform/dotnet-docs-samples/issues/845).
const MaxInlineSize = 10<<20 - 64<<10

func (a *Activities) image(ctx context.Context, in AnnotateInput) (_ *visionpb.Image, err error) {
	if in.Send == ByBytes {
		content, err := a.read(ctx, in.Picture)
		return &visionpb.Image{Content: content}, err
	}
	if err := a.checkUnchanged(ctx, in.Picture); err != nil {
		return nil, err
	}
	signed := in.SignedURL
	// Sign again if the URL expires soon or belongs to another picture.
	if time.Until(signed.ExpiresAt) < minURLTTL/2 || signed.ID != in.Picture.ID {
		if signed, err = a.sign(ctx, in.Picture); err != nil {
			return nil, err
		}
	}
	return &visionpb.Image{Source: &visionpb.ImageSource{ImageUri: signed.URL}}, nil
}

// checkUnchanged prevents the annotation of another object from being stored for p. In a bucket with versioning, the version ID does.
func (a *Activities) checkUnchanged(ctx context.Context, p picture.Picture) error {
	if p.VersionID != "" {
		return nil
	}
	_, err := a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &p.Bucket, Key: &p.Key, IfMatch: ifMatch(p)})
	if err != nil {
		return objects.Explain(err)
	}
	return nil
}

// awaitUnchanged repeats checkUnchanged until S3 gives a final answer, because Google's answer is already paid for.
func (a *Activities) awaitUnchanged(ctx context.Context, p picture.Picture) error {
	for {
		err := a.checkUnchanged(ctx, p)
		if e, ok := errors.AsType[*picture.Error](err); !ok || !e.Kind.Retries() {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

func ifMatch(p picture.Picture) *string {
	if p.VersionID != "" || p.ETag == "" {
		return nil
	}
	return aws.String(`"` + p.ETag + `"`)
}

func (a *Activities) read(ctx context.Context, p picture.Picture) ([]byte, error) {
	get := &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key, IfMatch: ifMatch(p)}
	if p.VersionID != "" {
		get.VersionId = &p.VersionID
	}
	object, err := a.S3.GetObject(ctx, get)
	if err != nil {
		return nil, objects.Explain(err)
	}
	defer object.Body.Close()
	size := aws.ToInt64(object.ContentLength) // 0 if a proxy between the worker and S3 removed the header
	if size > MaxInlineSize {
		return nil, tooLargeToSend(max(size, p.Size))
	}
	var content bytes.Buffer
	content.Grow(int(cmp.Or(size, min(p.Size, MaxInlineSize))) + bytes.MinRead)
	if _, err := content.ReadFrom(io.LimitReader(object.Body, MaxInlineSize+1)); err != nil {
		return nil, objects.Explain(err)
	}
	if content.Len() > MaxInlineSize {
		return nil, tooLargeToSend(max(int64(content.Len()), p.Size)) // a lower bound if the event has no size either
	}
	return content.Bytes(), nil
}

func tooLargeToSend(size int64) *picture.Error {
	if size > picture.MaxSize {
		return &picture.Error{Kind: picture.TooLarge,
			Message: fmt.Sprintf("The picture has %d bytes, and Google accepts at most %d", size, picture.MaxSize)}
	}
	return &picture.Error{Kind: picture.Unavailable, Cloud: picture.Google, Message: fmt.Sprintf(
		"Google could not fetch the picture by its URL, and its %d bytes exceed the %d that can be sent: make the bucket reachable for Google", size, MaxInlineSize)}
}
