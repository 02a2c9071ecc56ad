package activities

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"google.golang.org/grpc/codes"

	"triptych/internal/check"
	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/internal/vision"
	"triptych/picture"
)

const checkKey = picture.Prefix + string(check.Document) // has no extension, so every program ignores its events

// Checks returns the calls that the activities make. They leave one document in Cosmos DB, because the worker may not
// delete documents. Google bills one unit of each feature. TRIPTYCH_ANNOTATIONS_PER_DAY does not count it.
func (a *Activities) Checks() []check.Call {
	return []check.Call{
		{Name: "S3, list the pictures (s3:ListBucket)", Do: func(ctx context.Context) error {
			_, err := a.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &a.Bucket, Prefix: aws.String(picture.Prefix), MaxKeys: aws.Int32(1)})
			return explainMissing(err)
		}},
		{Name: "S3, list versions of a picture (s3:ListBucketVersions)", Do: func(ctx context.Context) error {
			_, err := a.S3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &a.Bucket, Prefix: aws.String(checkKey)})
			return explainMissing(err)
		}},
		{Name: "S3, read a picture by its presigned URL (s3:GetObject)", Do: a.checkURL},
		{Name: "S3, read a version of a picture (s3:GetObjectVersion)", Do: func(ctx context.Context) error {
			_, err := a.read(ctx, picture.Picture{Bucket: a.Bucket, Key: checkKey, VersionID: "null"})
			return explainMissing(err)
		}},
		{Name: "S3, delete a picture (s3:DeleteObject, s3:DeleteObjectVersion)", Do: a.checkDelete},
		{Name: "Google, annotate a picture (billed)", Do: a.checkAnnotate},
		{Name: "Cosmos DB, create a Record", Do: func(ctx context.Context) error {
			err := a.Records.Create(ctx, picture.Tombstone(check.Document))
			return explainRecord(err, records.ErrExists)
		}},
		{Name: "Cosmos DB, read a Record", Do: func(ctx context.Context) error {
			_, _, err := a.Records.Read(ctx, check.Document)
			return explainRecord(err, records.ErrNotFound)
		}},
		{Name: "Cosmos DB, replace a Record", Do: func(ctx context.Context) error {
			_, etag, _ := a.Records.Read(ctx, check.Document) // the call above reports the error
			err := a.Records.Replace(ctx, picture.Tombstone(check.Document), cmp.Or(etag, azcore.ETag(`"none"`)))
			return explainRecord(err, records.ErrChanged, records.ErrNotFound)
		}},
	}
}

// explainMissing returns nil if S3 answered that the object does not exist, which it does only if the role may list.
func explainMissing(err error) error {
	if err == nil {
		return nil
	}
	explained, ok := errors.AsType[*picture.Error](err)
	if !ok {
		explained = objects.Explain(err)
	}
	if explained.Kind == picture.Gone {
		return nil
	}
	return explained
}

func explainRecord(err error, expected ...error) error {
	for _, e := range expected {
		if errors.Is(err, e) {
			return nil
		}
	}
	if err == nil {
		return nil
	}
	return records.Explain(err)
}

// checkURL shows that AWS accepts the worker's signature and clock. It cannot show that Google reaches the bucket.
func (a *Activities) checkURL(ctx context.Context) error {
	signed, err := a.sign(ctx, picture.Picture{ID: check.Document, Bucket: a.Bucket, Key: checkKey})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, signed.URL, nil)
	if err != nil {
		return fmt.Errorf("making a request from the presigned URL: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return objects.Explain(err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return explainMissing(objects.ResponseError(response))
}

// checkDelete first deletes a version that does not exist. Without s3:DeleteObjectVersion it ends there, so it leaves no
// delete marker.
func (a *Activities) checkDelete(ctx context.Context) error {
	in := &s3.DeleteObjectInput{Bucket: &a.Bucket, Key: aws.String(checkKey), VersionId: aws.String("null")}
	if _, err := a.S3.DeleteObject(ctx, in); err != nil {
		if err := explainMissing(err); err != nil {
			return err
		}
	}
	in.VersionId = nil
	marker, err := a.S3.DeleteObject(ctx, in)
	if err != nil {
		return explainMissing(err)
	}
	return a.deleteVersion(ctx, a.Bucket, checkKey, aws.ToString(marker.VersionId))
}

func (a *Activities) checkAnnotate(ctx context.Context) error {
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		return fmt.Errorf("encoding a picture: %w", err)
	}
	response, err := a.Vision.BatchAnnotateImages(ctx, a.request(&visionpb.Image{Content: content.Bytes()}))
	if err != nil {
		return vision.Explain(err)
	}
	image, err := onlyImage(response)
	if s := image.GetError(); s.GetCode() != int32(codes.OK) {
		return vision.ExplainImage(s, true)
	}
	return err
}
