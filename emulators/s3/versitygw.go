package main

// This file contains the workarounds for defects of versitygw 1.8.0. Report to https://github.com/versity/versitygw/issues:
//
//   - DeleteObject does not take the lock under which PutObject, CopyObject and CompleteMultipartUpload publish: versions
//     that were deleted return, published versions disappear, and lists show versions twice (issue 2200; see store.locks).
//   - DeleteObject of a version that does not exist is 400 if the key has other versions (see DeleteObject).
//   - DeleteObject of a key without an object creates no delete marker (see createMarker).
//   - DeleteObjects ignores the conditions of each object (see DeleteObjects).
//   - DeleteObject of the key `a` or `a/` is 500 or 400 if there is a key `a/b` (see DeleteObject).
//   - A delete marker keeps the object's ETag, so PutObject with If-None-Match: * is 412 (see DeleteObject).
//   - Attributes in separate files remain: a deleted object refuses If-None-Match: *, and a PUT after a delete marker stays
//     deleted (see removeStaleAttributes and published).
//   - GetObject and HeadObject of a delete marker lack x-amz-version-id, and mostly x-amz-delete-marker (see findMarker).
//   - CopyObject and UploadPartCopy copy the former content of a delete marker, and NoSuchKey is NoSuchVersion (see checkSource).
//   - CopyObject ignores If-Match and If-None-Match (see checkConditions), and a copy of a key to itself changes the current
//     version instead of creating one (see copyToItself).
//   - CopyObject and UploadPartCopy are 304 instead of 412 if a condition on the source fails (see copyError).
//   - Modification times are compared with conditions without rounding to seconds (see endOfSecond).
//   - Lists ignore encoding-type=url (see encodeList).
//   - Keys are cleaned like paths of files, so that `a//b`, `a/./b` and `a/b` are one object (see checkKey).
//   - An object whose name has more than 227 bytes cannot be overwritten: PutObject is 409, and lists then show its version
//     twice (see checkKey).
//   - A presigned URL is accepted with an Authorization header, and responses have two request IDs (see checkRequest
//     and removeSecondID).
//   - GetObjectAttributes refuses `ETag, ObjectSize`, with a blank, as the SDK for JavaScript sends it (see GetBucketAcl).
//   - The error for an unknown access key is one of the admin API (see users.GetUserAccount).
//   - Files ignore the umask (see openStore), and messages go to stdout (see captureOutput).
//
// There is no workaround for:
//
//   - Keys that end in a slash have no versions and no content, and a key below another key is refused.
//   - With attributes in separate files, CopyObject of an object with tags to a deleted key is 405.
//   - CopyObject and UploadPartCopy may not find their source while its latest version is deleted, and PutObjectTagging may
//     then tag another version: they take none of store.locks for this key.
//
// The workarounds have these limits:
//
//   - CopyObject and CompleteMultipartUpload lock the key while they copy the data. Lists wait for them, and other requests
//     wait for the lists.
//   - If the process is killed during DeleteObject of a key without an object, an empty object may remain (see createMarker).
//   - A copy of a key to itself has no object lock, and a CRC64NVME checksum unless it names another algorithm.
//   - Keys are refused before the signature and the CORS rules are checked, so a page of another origin sees no status.

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api/utils"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"

	"triptych/emulators/s3event"
)

// store is versitygw's file storage without the defects above.
type store struct {
	backend.Backend
	objects    string // directory of the current versions
	attributes meta.MetadataStorer
	sidecar    bool             // attributes are in separate files
	locks      [64]sync.RWMutex // by hash of the key
}

const (
	etagAttribute      = "etag"
	versionIDAttribute = "version-id"
	markerAttribute    = "delete-marker"
)

// lockLists excludes the moments in which a version is in two directories or in none.
func (s *store) lockLists() (unlock func()) {
	for i := range s.locks {
		s.locks[i].RLock()
	}
	return func() {
		for i := range s.locks {
			s.locks[i].RUnlock()
		}
	}
}

func (s *store) lock(bucket, key *string) *sync.RWMutex {
	return &s.locks[crc32.ChecksumIEEE([]byte(*bucket+"/"+*key))%uint32(len(s.locks))]
}

// publishingReader locks the key at the end of the body. Then versitygw publishes the object. A slow PutObject
// therefore delays no other request.
type publishingReader struct {
	io.Reader
	lock   *sync.RWMutex
	locked bool
}

func (r *publishingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if errors.Is(err, io.EOF) && !r.locked {
		r.lock.Lock()
		r.locked = true
	}
	return n, err
}

func (r *publishingReader) unlock() {
	if r.locked {
		r.lock.Unlock()
	}
}

func (s *store) PutObject(ctx context.Context, in s3response.PutObjectInput) (out s3response.PutObjectOutput, err error) {
	if err := checkKey(*in.Key); err != nil { // the key of a form upload is not in the URL
		return out, err
	}
	var tags map[string]string
	if s.sidecar { // versitygw tags no object that has the attribute of a delete marker, so tag after published
		if tags, err = backend.ParseObjectTags(aws.ToString(in.Tagging)); err != nil {
			return out, err
		}
		in.Tagging = nil
	}
	body := &publishingReader{Reader: in.Body, lock: s.lock(in.Bucket, in.Key)}
	defer body.unlock()
	in.Body = body
	out, err = s.Backend.PutObject(ctx, in)
	s.published(in.Bucket, in.Key, err)
	if err == nil && len(tags) > 0 {
		err = s.PutObjectTagging(ctx, *in.Bucket, *in.Key, "", tags)
	}
	return out, err
}

func (s *store) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	lock := s.lock(in.Bucket, in.Key)
	lock.Lock()
	defer lock.Unlock()
	out, version, err := s.Backend.CompleteMultipartUpload(ctx, in)
	s.published(in.Bucket, in.Key, err)
	return out, version, err
}

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

// published removes the attribute of a former delete marker.
func (s *store) published(bucket, key *string, err error) {
	if err == nil && s.sidecar {
		_ = s.attributes.DeleteAttribute(*bucket, *key, markerAttribute) // fails if there was no delete marker
	}
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

// DeleteObject deletes keys and versions as AWS does: a missing version is not an error, and a missing key gets a delete
// marker.
func (s *store) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	lock := s.lock(in.Bucket, in.Key)
	lock.Lock()
	defer lock.Unlock()
	version := aws.ToString(in.VersionId)
	isDirectoryKey := strings.HasSuffix(*in.Key, "/")
	file, err := os.Stat(filepath.Join(s.objects, *in.Bucket, *in.Key))
	switch {
	case err == nil && file.IsDir() && !isDirectoryKey: // only objects below this key exist
		return &s3.DeleteObjectOutput{VersionId: in.VersionId}, nil
	case errors.Is(err, fs.ErrNotExist) && !isDirectoryKey && version == "" && in.IfMatch == nil && in.IfMatchSize == nil && in.IfMatchLastModifiedTime == nil:
		return s.createMarker(ctx, in.Bucket, in.Key)
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

// createMarker creates an empty object, because versitygw marks only objects as deleted.
func (s *store) createMarker(ctx context.Context, bucket, key *string) (*s3.DeleteObjectOutput, error) {
	if _, err := s.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket}); err != nil || !s.isVersioned(ctx, *bucket) {
		return &s3.DeleteObjectOutput{}, err
	}
	empty, err := s.Backend.PutObject(ctx, s3response.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("")})
	if rejected(err) { // for example, because it is below another key
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

func (s *store) ListObjects(ctx context.Context, in *s3.ListObjectsInput) (s3response.ListObjectsResult, error) {
	defer s.lockLists()()
	out, err := s.Backend.ListObjects(ctx, in)
	return encodeList(ctx, out), err
}

func (s *store) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	defer s.lockLists()()
	out, err := s.Backend.ListObjectsV2(ctx, in)
	return encodeList(ctx, out), err
}

func (s *store) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput) (s3response.ListVersionsResult, error) {
	defer s.lockLists()()
	out, err := s.Backend.ListObjectVersions(ctx, in)
	return encodeList(ctx, out), err
}

func (s *store) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput) (s3response.ListMultipartUploadsResult, error) {
	out, err := s.Backend.ListMultipartUploads(ctx, in)
	return encodeList(ctx, out), err
}

// encodedFields are the fields that encoding-type=url encodes, by the pages of the four list operations in
// https://docs.aws.amazon.com/AmazonS3/latest/API/.
var encodedFields = []string{"Key", "Prefix", "Delimiter", "Marker", "NextMarker", "KeyMarker", "NextKeyMarker", "StartAfter"}

func encodeList[List any](ctx context.Context, list List) List {
	request, ok := ctx.(*fasthttp.RequestCtx)
	if ok && string(request.QueryArgs().Peek("encoding-type")) == "url" {
		fields := reflect.ValueOf(&list).Elem()
		fields.FieldByName("EncodingType").SetString("url")
		encodeFields(fields)
	}
	return list
}

func encodeFields(v reflect.Value) {
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		encodes := slices.Contains(encodedFields, name)
		switch {
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			for n := range field.Len() {
				encodeFields(field.Index(n))
			}
		case encodes && field.Kind() == reflect.String:
			field.SetString(s3event.EncodeKey(field.String()))
		case encodes && !field.IsNil():
			key := s3event.EncodeKey(field.Elem().String()) // a new string, because versions of one key share a pointer
			field.Set(reflect.ValueOf(&key))
		}
	}
}

// GetBucketAcl is the first call of versitygw after it has verified the signature, so it may change the request's headers.
func (s *store) GetBucketAcl(ctx context.Context, in *s3.GetBucketAclInput) ([]byte, error) {
	const name = "X-Amz-Object-Attributes"
	if request, ok := ctx.(*fasthttp.RequestCtx); ok && bytes.ContainsRune(request.Request.Header.Peek(name), ' ') {
		request.Request.Header.SetBytesV(name, bytes.ReplaceAll(request.Request.Header.Peek(name), []byte(" "), nil))
	}
	return s.Backend.GetBucketAcl(ctx, in)
}

// checkRequest refuses a request before it is authenticated.
func checkRequest(ctx fiber.Ctx) error {
	uri := ctx.Request().URI()
	if uri.QueryArgs().Has("X-Amz-Algorithm") && len(ctx.Request().Header.Peek("Authorization")) > 0 {
		return s3err.APIError{Code: "InvalidArgument", HTTPStatusCode: http.StatusBadRequest,
			Description: "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"}
	}
	path, err := url.PathUnescape(string(uri.PathOriginal()))
	if err != nil {
		return nil // versitygw refuses it
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return checkKey(key)
}

func removeSecondID(ctx fiber.Ctx) error {
	err := ctx.Next()
	header := &ctx.Response().Header
	for _, name := range []string{utils.HeaderAmzRequestID, utils.HeaderAmzID2} {
		var spellings []string
		for spelling := range header.All() {
			if strings.EqualFold(string(spelling), name) {
				spellings = append(spellings, string(spelling))
			}
		}
		if len(spellings) > 1 {
			header.Del(spellings[0])
		}
	}
	return err
}

// maxSegment is the limit of file systems, 255, without the 28 bytes that versitygw adds to the name of a file that it
// replaces (linkatOTmpfile in backend/posix/with_otmpfile.go).
const maxSegment = 227

// checkKey refuses keys that versitygw would store under another name or could not overwrite. S3 itself accepts these keys.
func checkKey(key string) error {
	segments := strings.Split(strings.TrimSuffix(key, "/"), "/") // a key like `a/` is stored as a directory
	invalid := func(s string) bool {
		return s == "" || s == "." || s == ".." || len(s) > maxSegment || strings.ContainsRune(s, 0)
	}
	if key == "" || segments[0] != posix.MetaTmpDir && !slices.ContainsFunc(segments, invalid) {
		return nil
	}
	return s3err.APIError{Code: "NotImplemented", HTTPStatusCode: http.StatusNotImplemented,
		Description: "The local S3 stores objects as files, so it cannot store this key: use non-empty segments of at most 227 bytes between slashes, without '.' and '..', and not .sgwtmp as the first one."}
}

func hasCode(err error, code string) bool {
	e, ok := errors.AsType[s3err.S3Error](err)
	return ok && e.BaseError().Code == code
}
