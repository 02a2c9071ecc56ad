package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

func (s *store) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (out s3response.CopyObjectOutput, err error) {
	defer func() { err = copyError(err) }()
	if err := s.checkSource(ctx, in.CopySource); err != nil {
		return out, err
	}
	lock := s.lock(in.Bucket, in.Key)
	lock.Lock()
	defer lock.Unlock()
	if err := s.checkConditions(ctx, in.Bucket, in.Key); err != nil {
		return out, err
	}
	if bucket, key, version, _ := backend.ParseCopySource(*in.CopySource); bucket == *in.Bucket && key == *in.Key &&
		in.MetadataDirective == types.MetadataDirectiveReplace && s.isVersioned(ctx, bucket) && (version == "" || version == s.currentVersion(bucket, key)) {
		return s.copyToItself(ctx, in)
	}
	in.CopySourceIfModifiedSince = endOfSecond(in.CopySourceIfModifiedSince)
	in.CopySourceIfUnmodifiedSince = endOfSecond(in.CopySourceIfUnmodifiedSince)
	out, err = s.Backend.CopyObject(ctx, in)
	s.published(in.Bucket, in.Key, err)
	return out, err
}

func (s *store) copyToItself(ctx context.Context, in s3response.CopyObjectInput) (out s3response.CopyObjectOutput, err error) {
	source, err := s.Backend.GetObject(ctx, &s3.GetObjectInput{
		Bucket: in.Bucket, Key: in.Key, Range: aws.String(""), IfMatch: in.CopySourceIfMatch, IfNoneMatch: in.CopySourceIfNoneMatch,
		IfModifiedSince: endOfSecond(in.CopySourceIfModifiedSince), IfUnmodifiedSince: endOfSecond(in.CopySourceIfUnmodifiedSince),
	})
	if err != nil {
		return out, err
	}
	defer source.Body.Close()
	tags := in.Tagging
	if in.TaggingDirective != types.TaggingDirectiveReplace {
		old, err := s.GetObjectTagging(ctx, *in.Bucket, *in.Key, "")
		if err != nil && !hasCode(err, "NoSuchTagSet") {
			return out, err
		}
		encoded := url.Values{}
		for name, value := range old {
			encoded.Set(name, value)
		}
		tags = aws.String(encoded.Encode())
	}
	put, err := s.Backend.PutObject(ctx, s3response.PutObjectInput{
		Bucket: in.Bucket, Key: in.Key, Body: source.Body, ContentLength: source.ContentLength, Tagging: tags,
		ContentType: in.ContentType, ContentEncoding: in.ContentEncoding, ContentLanguage: in.ContentLanguage,
		ContentDisposition: in.ContentDisposition, CacheControl: in.CacheControl, Expires: in.Expires,
		WebsiteRedirectLocation: in.WebsiteRedirectLocation, Metadata: in.Metadata, ChecksumAlgorithm: in.ChecksumAlgorithm,
	})
	return s3response.CopyObjectOutput{
		CopyObjectResult: &s3response.CopyObjectResult{
			ETag: &put.ETag, LastModified: aws.Time(time.Now()), ChecksumType: put.ChecksumType, ChecksumCRC32: put.ChecksumCRC32,
			ChecksumCRC32C: put.ChecksumCRC32C, ChecksumCRC64NVME: put.ChecksumCRC64NVME, ChecksumSHA1: put.ChecksumSHA1, ChecksumSHA256: put.ChecksumSHA256,
		},
		VersionId: &put.VersionID, CopySourceVersionId: source.VersionId,
	}, err
}

func (s *store) isVersioned(ctx context.Context, bucket string) bool {
	versioning, err := s.GetBucketVersioning(ctx, bucket)
	return err == nil && versioning.Status != nil && *versioning.Status == types.BucketVersioningStatusEnabled
}

// currentVersion returns "" if the key has no version.
func (s *store) currentVersion(bucket, key string) string {
	version, _ := s.attributes.RetrieveAttribute(nil, bucket, key, versionIDAttribute)
	return string(version)
}

func (s *store) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput) (s3response.CopyPartResult, error) {
	if err := s.checkSource(ctx, in.CopySource); err != nil {
		return s3response.CopyPartResult{}, err
	}
	out, err := s.Backend.UploadPartCopy(ctx, in)
	return out, copyError(err)
}

// copyError corrects the error of a condition on the source: only GET and HEAD are 304.
func copyError(err error) error {
	if hasCode(err, "NotModified") {
		return s3err.GetAPIError(s3err.ErrPreconditionFailed)
	}
	return err
}

func (s *store) checkConditions(ctx context.Context, bucket, key *string) error {
	request, ok := ctx.(*fasthttp.RequestCtx)
	if !ok {
		return nil
	}
	condition := func(name string) *string {
		if value := request.Request.Header.Peek(name); len(value) > 0 {
			return aws.String(strings.Trim(string(value), `"`))
		}
		return nil
	}
	head, err := s.Backend.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key})
	etag := ""
	if err == nil {
		etag = aws.ToString(head.ETag)
	}
	return backend.EvaluateObjectPutPreconditions(etag, condition("If-Match"), condition("If-None-Match"), err == nil)
}

func (s *store) checkSource(ctx context.Context, source *string) error {
	bucket, key, version, err := backend.ParseCopySource(aws.ToString(source))
	if err == nil {
		err = checkKey(key)
	}
	if err == nil {
		_, err = s.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key, VersionId: &version})
	}
	if hasCode(err, "MethodNotAllowed") {
		return s3err.APIError{Code: "InvalidRequest", HTTPStatusCode: http.StatusBadRequest,
			Description: "The source of a copy request may not specifically refer to a delete marker by version id."}
	}
	return err
}
