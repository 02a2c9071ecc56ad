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

// Deletions run one at a time, because versitygw 1.8.0 keeps some versions if deletions are concurrent. As on AWS,
// deleting a missing version is not an error.
func (s *store) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	s.deletion.Lock()
	defer s.deletion.Unlock()
	out, err := s.Backend.DeleteObject(ctx, in)
	if err != nil && aws.ToString(in.VersionId) != "" {
		_, missing := s.HeadObject(ctx, &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key, VersionId: in.VersionId})
		if s3Error, ok := errors.AsType[s3err.S3Error](missing); ok && s3Error.BaseError().Code == "NoSuchVersion" {
			return &s3.DeleteObjectOutput{VersionId: in.VersionId}, nil
		}
	}
	if err != nil {
		return out, err
	}
	return out, s.removeStaleAttributes(*in.Bucket, *in.Key)
}

func (s *store) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	var result s3response.DeleteResult
	for _, o := range in.Delete.Objects {
		if err := checkKey(aws.ToString(o.Key)); err != nil {
			result.Error = append(result.Error, s3err.ObjectDeleteError(o.Key, o.VersionId, err))
			continue
		}
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

// versitygw stores attributes of an object in separate files. If they remain after the object's deletion, versitygw
// refuses a new upload of the key with If-None-Match: *.
func (s *store) removeStaleAttributes(bucket, key string) error {
	if _, err := os.Lstat(filepath.Join(s.objects, bucket, key)); err == nil {
		return nil
	}
	return s.attributes.DeleteAttributes(bucket, key)
}
