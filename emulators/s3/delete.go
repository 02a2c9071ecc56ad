package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// DeleteObject deletes as AWS does: what is not there is deleted already. versitygw answers 400 for a version
// it does not have.
func (s *store) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	out, err := s.Backend.DeleteObject(ctx, in)
	if err != nil && aws.ToString(in.VersionId) != "" {
		_, missing := s.HeadObject(ctx, &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key, VersionId: in.VersionId})
		if answer, ok := errors.AsType[s3err.S3Error](missing); ok && answer.BaseError().Code == "NoSuchVersion" {
			return &s3.DeleteObjectOutput{VersionId: in.VersionId}, nil
		}
	}
	if err != nil {
		return out, err
	}
	return out, s.forget(*in.Bucket, *in.Key)
}

// DeleteObjects is DeleteObject for each.
func (s *store) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	var result s3response.DeleteResult
	for _, o := range in.Delete.Objects {
		out, err := s.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: in.Bucket, Key: o.Key, VersionId: o.VersionId})
		if err == nil {
			deleted := types.DeletedObject{Key: o.Key, VersionId: o.VersionId, DeleteMarker: out.DeleteMarker}
			if aws.ToBool(out.DeleteMarker) {
				deleted.DeleteMarkerVersionId = out.VersionId
			}
			result.Deleted = append(result.Deleted, deleted)
			continue
		}
		result.Error = append(result.Error, s3err.ObjectDeleteError(o.Key, o.VersionId, err))
	}
	return result, nil
}

// forget removes the attributes of an object that is not there. Beside their file, they outlive it when its
// only version is deleted, and come before it when a PUT is cut short; their ETag would make the next PUT
// fail with 412.
func (s *store) forget(bucket, key string) error {
	if _, err := os.Lstat(filepath.Join(s.objects, bucket, key)); err == nil {
		return nil
	}
	return s.attributes.DeleteAttributes(bucket, key)
}
