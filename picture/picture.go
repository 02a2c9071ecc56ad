// Package picture defines the domain types and the names of workflows and activities. The package imports no SDK.
package picture

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxSize is Cloud Vision's limit for image files, in bytes (https://cloud.google.com/vision/quotas).
const MaxSize = 20_000_000

const MaxKey = 1024 // bytes; limit of S3

// GrantTTL is the lifetime of an upload grant, which is a presigned URL for one upload.
const GrantTTL = 15 * time.Minute

// Picture identifies one version of an S3 object.
type Picture struct {
	ID         ID        `json:"id"`
	Bucket     string    `json:"bucket"`
	Key        string    `json:"key"`
	VersionID  string    `json:"versionId,omitempty"`
	ETag       string    `json:"etag,omitempty"` // without quotes
	Size       int64     `json:"size"`           // bytes
	UploadedAt time.Time `json:"uploadedAt"`
}

// Order is the input of AnnotatePicture: a picture, and which existing Record it may replace.
type Order struct {
	Picture
	// A Record that was last written before this time is replaced. The zero value replaces no Record.
	ReannotateBefore time.Time `json:"reannotateBefore,omitzero"`
}

// New takes the ID from a key that the site created. For any other key, the ID is a hash.
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
	if versionID == "null" { // of an object that is older than the bucket's versioning; a new upload would have it too
		versionID = ""
	}
	p := Picture{
		Bucket: bucket, Key: key, VersionID: versionID, ETag: strings.Trim(etag, `"`),
		Size: size, UploadedAt: uploadedAt.UTC(),
	}
	if id, _, err := ParseKey(key); err == nil {
		p.ID = id
	} else {
		p.ID = backfillID(p)
	}
	return p, nil
}
