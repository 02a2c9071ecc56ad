package main

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/s3err"
)

func (s *store) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	lock := s.lock(in.Bucket, in.Key)
	lock.RLock()
	defer lock.RUnlock()
	in.IfModifiedSince, in.IfUnmodifiedSince = endOfSecond(in.IfModifiedSince), endOfSecond(in.IfUnmodifiedSince)
	out, err := s.Backend.GetObject(ctx, in)
	if err == nil {
		return out, nil
	}
	if marker := s.findMarker(ctx, in.Bucket, in.Key, in.VersionId, err); marker != nil {
		return &s3.GetObjectOutput{DeleteMarker: marker.DeleteMarker, LastModified: marker.LastModified, VersionId: marker.VersionId}, allowDelete(err, "GET")
	}
	return nil, err
}

func (s *store) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	lock := s.lock(in.Bucket, in.Key)
	lock.RLock()
	defer lock.RUnlock()
	in.IfModifiedSince, in.IfUnmodifiedSince = endOfSecond(in.IfModifiedSince), endOfSecond(in.IfUnmodifiedSince)
	out, err := s.Backend.HeadObject(ctx, in)
	if err == nil {
		return out, nil
	}
	return s.findMarker(ctx, in.Bucket, in.Key, in.VersionId, err), allowDelete(err, "HEAD")
}

// findMarker returns nil if no delete marker caused the error.
func (s *store) findMarker(ctx context.Context, bucket, key, version *string, err error) *s3.HeadObjectOutput {
	switch {
	case hasCode(err, "NoSuchKey") && aws.ToString(version) == "":
		if version = aws.String(s.currentVersion(*bucket, *key)); *version == "" {
			return nil
		}
	case !hasCode(err, "MethodNotAllowed"):
		return nil
	}
	marker, err := s.Backend.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key, VersionId: version})
	if !hasCode(err, "MethodNotAllowed") || marker == nil {
		return nil
	}
	marker.VersionId = version
	return marker
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
func allowDelete(err error, method string) error {
	if !hasCode(err, "MethodNotAllowed") {
		return err
	}
	return s3err.GetMethodNotAllowedErr(method, "DeleteMarker", []string{http.MethodDelete})
}

// setVersion adds the version ID of a delete marker to an error response.
func setVersion(ctx context.Context, version *string) {
	if request, ok := ctx.(*fasthttp.RequestCtx); ok && version != nil {
		request.Response.Header.Set("x-amz-version-id", *version)
	}
}

// S3 ignores the fractions of modification times in comparisons with dates in HTTP headers. Here the date is rounded up.
func endOfSecond(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return aws.Time(t.Add(time.Second - time.Nanosecond))
}
