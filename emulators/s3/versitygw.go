package main

// The methods of store are the workarounds for defects of versitygw 1.8.0. They are in the file of their operation, such as copy.go.
// Report defects to https://github.com/versity/versitygw/issues:
//
//   - DeleteObject does not take the lock under which PutObject, CopyObject and CompleteMultipartUpload publish: versions
//     that were deleted return, published versions disappear, and lists show versions twice (issue 2200; see store.locks).
//   - DeleteObject of a version that does not exist is 400 if the key has other versions (see DeleteObject).
//   - DeleteObject of a key without an object creates no delete marker (see createMarker).
//   - DeleteObject of the current version copies the previous one and deletes the copied file, so kill -9 loses versions or
//     leaves one twice (see replaceByPrevious).
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
//   - After kill -9 during PutObject, lists may show a version twice (see ListObjectVersions).
//   - Lists ignore encoding-type=url (see encodeList).
//   - Keys are cleaned like paths of files, so that `a//b`, `a/./b` and `a/b` are one object (see checkKey).
//   - An object whose name has more than 227 bytes cannot be overwritten: PutObject is 409, and lists then show its version
//     twice (see checkKey).
//   - Lists do not show keys with a segment .sgwtmp (see checkKey).
//   - A presigned URL is accepted with an Authorization header or a date in the future, and responses have two request IDs
//     (see checkRequest and removeSecondID).
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
//   - If the process is killed during DeleteObject of the current version, older versions may be lost if the request has
//     conditions or if attributes are in separate files (see replaceByPrevious).
//   - A copy of a key to itself has no object lock, and a CRC64NVME checksum unless it names another algorithm.
//   - Keys are refused before the signature and the CORS rules are checked, so a page of another origin sees no status.

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// store is versitygw's file storage without the defects above.
type store struct {
	backend.Backend
	objects    string // directory of the current versions
	versions   string // directory of the other versions
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

// published removes the attribute of a former delete marker.
func (s *store) published(bucket, key *string, err error) {
	if err == nil && s.sidecar {
		_ = s.attributes.DeleteAttribute(*bucket, *key, markerAttribute) // fails if there was no delete marker
	}
}

func hasCode(err error, code string) bool {
	e, ok := errors.AsType[s3err.S3Error](err)
	return ok && e.BaseError().Code == code
}
