package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// DeleteObject deletes keys and versions as AWS does: a missing version is not an error, and a missing key gets a delete
// marker.
func (s *store) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	lock := s.lock(in.Bucket, in.Key)
	lock.Lock()
	defer lock.Unlock()
	version := aws.ToString(in.VersionId)
	isDirectoryKey := strings.HasSuffix(*in.Key, "/")
	unconditional := in.IfMatch == nil && in.IfMatchSize == nil && in.IfMatchLastModifiedTime == nil
	file, err := os.Stat(filepath.Join(s.objects, *in.Bucket, *in.Key))
	switch {
	case err == nil && file.IsDir() && !isDirectoryKey: // only objects below this key exist
		return &s3.DeleteObjectOutput{VersionId: in.VersionId}, nil
	case errors.Is(err, fs.ErrNotExist) && !isDirectoryKey && version == "" && unconditional:
		return s.createMarker(ctx, in.Bucket, in.Key)
	case version != "" && unconditional && !s.sidecar && version == s.currentVersion(*in.Bucket, *in.Key):
		if out, err := s.replaceByPrevious(*in.Bucket, *in.Key, version); out != nil || err != nil {
			return out, err
		}
	}
	out, err := s.Backend.DeleteObject(ctx, in)
	if err != nil && version != "" {
		_, missing := s.Backend.HeadObject(ctx, &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key, VersionId: in.VersionId})
		if hasCode(missing, "NoSuchVersion") {
			return &s3.DeleteObjectOutput{VersionId: in.VersionId}, nil
		}
	}
	if hasCode(err, "ErrDirectoryNotEmpty") { // only objects below this key exist
		return &s3.DeleteObjectOutput{}, nil
	}
	if err != nil {
		return out, err
	}
	if version == "" && aws.ToBool(out.DeleteMarker) {
		err := s.attributes.DeleteAttribute(*in.Bucket, *in.Key, etagAttribute)
		if err != nil && !errors.Is(err, meta.ErrNoSuchKey) {
			return nil, err
		}
	}
	return out, s.removeStaleAttributes(*in.Bucket, *in.Key)
}

// replaceByPrevious deletes the current version by a rename, so that kill -9 loses no other version. It returns nil if
// the key has no other version.
func (s *store) replaceByPrevious(bucket, key, version string) (*s3.DeleteObjectOutput, error) {
	dir := s.versionDir(bucket, key)
	err := os.Remove(filepath.Join(dir, version)) // a PUT that was killed leaves this copy
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("removing the copy of a version: %w", err)
	}
	others, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing the versions of an object: %w", err)
	}
	if len(others) == 0 {
		return nil, nil
	}
	_, err = s.attributes.RetrieveAttribute(nil, bucket, key, markerAttribute)
	isMarker := err == nil
	newest := others[len(others)-1].Name() // version IDs are ULIDs
	if err := os.Rename(filepath.Join(dir, newest), filepath.Join(s.objects, bucket, key)); err != nil {
		return nil, fmt.Errorf("restoring a version: %w", err)
	}
	_ = os.Remove(dir) // fails if it contains more versions
	return &s3.DeleteObjectOutput{VersionId: &version, DeleteMarker: aws.Bool(isMarker)}, nil
}

// versionDir returns where versitygw stores the versions that are not current.
func (s *store) versionDir(bucket, key string) string {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
	return filepath.Join(s.versions, bucket, sum[:2], sum[2:4], sum[4:6], sum)
}

// createMarker creates an empty object, because versitygw marks only objects as deleted.
func (s *store) createMarker(ctx context.Context, bucket, key *string) (*s3.DeleteObjectOutput, error) {
	if _, err := s.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket}); err != nil || !s.isVersioned(ctx, *bucket) {
		return &s3.DeleteObjectOutput{}, err
	}
	empty, err := s.Backend.PutObject(ctx, s3response.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("")})
	if createdNothing(err) { // for example, because it is below another key
		return &s3.DeleteObjectOutput{}, nil
	}
	if err != nil {
		return nil, err
	}
	marker, err := s.Backend.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key})
	_, emptyErr := s.Backend.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key, VersionId: &empty.VersionID})
	if err = errors.Join(err, emptyErr); err != nil {
		return nil, err
	}
	return marker, s.attributes.DeleteAttribute(*bucket, *key, etagAttribute)
}

func (s *store) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	var result s3response.DeleteResult
	for _, o := range in.Delete.Objects {
		err := checkKey(aws.ToString(o.Key))
		var out *s3.DeleteObjectOutput
		if err == nil {
			out, err = s.DeleteObject(ctx, &s3.DeleteObjectInput{
				Bucket: in.Bucket, Key: o.Key, VersionId: o.VersionId, IfMatch: backend.TrimEtag(o.ETag), IfMatchSize: o.Size, IfMatchLastModifiedTime: o.LastModifiedTime,
			})
		}
		if err != nil {
			result.Error = append(result.Error, s3err.ObjectDeleteError(o.Key, o.VersionId, err))
			continue
		}
		deleted := types.DeletedObject{Key: o.Key, VersionId: o.VersionId, DeleteMarker: out.DeleteMarker}
		if aws.ToBool(out.DeleteMarker) {
			deleted.DeleteMarkerVersionId = out.VersionId
		}
		result.Deleted = append(result.Deleted, deleted)
	}
	return result, nil
}

func (s *store) removeStaleAttributes(bucket, key string) error {
	if _, err := os.Lstat(filepath.Join(s.objects, bucket, key)); err == nil {
		return nil
	}
	return s.attributes.DeleteAttributes(bucket, key)
}
