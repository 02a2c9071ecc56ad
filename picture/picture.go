// Package picture is the vocabulary every other package speaks: a Picture and its ID, the Record that
// is kept of it, its Progress on the way there, the kinds of error it can meet and the names under
// which Temporal knows all this. It never talks to a cloud and imports no SDK.
package picture

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxSize is the largest picture that is granted an upload, in bytes: Cloud Vision takes image files up
// to 20 MB (https://cloud.google.com/vision/quotas, content limits).
const MaxSize = 20_000_000

// MaxKey is the longest object key S3 has, in bytes of UTF-8.
const MaxKey = 1024

// Picture is one uploaded object version: enough to find exactly those bytes again.
type Picture struct {
	ID         ID        `json:"id"`
	Bucket     string    `json:"bucket"`
	Key        string    `json:"key"`
	VersionID  string    `json:"versionId,omitempty"`
	ETag       string    `json:"etag,omitempty"` // without quotes
	Size       int64     `json:"size"`           // bytes
	UploadedAt time.Time `json:"uploadedAt"`
}

// New names an object version a Picture. The ID is the one in the key where web minted it, a hash
// otherwise. It fails, without a kind, on what cannot be an S3 object.
func New(bucket, key, versionID, etag string, size int64, uploadedAt time.Time) (Picture, error) {
	switch {
	case bucket == "":
		return Picture{}, fmt.Errorf("object %q has no bucket", key)
	case key == "" || len(key) > MaxKey:
		return Picture{}, fmt.Errorf("object key of %d bytes: S3 has 1 to %d", len(key), MaxKey)
	case !utf8.ValidString(key):
		return Picture{}, fmt.Errorf("object key %q is not UTF-8", key)
	case size < 0:
		return Picture{}, fmt.Errorf("object %q has size %d", key, size)
	}
	p := Picture{
		Bucket: bucket, Key: key, VersionID: versionID, ETag: strings.Trim(etag, `"`),
		Size: size, UploadedAt: uploadedAt.UTC(),
	}
	if id, _, err := ParseKey(key); err == nil {
		p.ID = id
	} else {
		p.ID = foreignID(p)
	}
	return p, nil
}

// ContentType is what the key says of the picture; "" for keys that web did not mint.
func (p Picture) ContentType() string {
	_, contentType, err := ParseKey(p.Key)
	if err != nil {
		return ""
	}
	return contentType
}
