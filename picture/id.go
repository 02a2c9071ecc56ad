package picture

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ID names a picture for ever: workflow, object and Record are all found by it. It is safe in a URL, a
// file name, a workflow ID and a Cosmos id. Whoever knows it can see the picture.
type ID string

// Prefix is where web puts every upload.
const Prefix = "pictures/"

// formats are the pictures that are taken.
var formats = [...]struct{ contentType, ext string }{{"image/jpeg", "jpg"}, {"image/png", "png"}, {"image/webp", "webp"}}

// NewID mints a UUIDv7: 48 bits of Unix milliseconds, so that IDs sort by minting time, and 74 random
// bits (RFC 9562, section 5.7; google/uuid spends 12 of them on a clock fraction).
func NewID(now time.Time) ID {
	var u uuid.UUID
	rand.Read(u[:]) // never fails
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(u[:6], ms[2:])
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return ID(u.String())
}

var foreignPattern = regexp.MustCompile(`^o-[a-z2-7]{52}$`)

// ParseID takes the canonical form of a minted ID, or that of a foreign object, and nothing else.
func ParseID(s string) (ID, error) {
	if foreignPattern.MatchString(s) {
		return ID(s), nil
	}
	if u, err := uuid.Parse(s); err == nil && u.String() == s && u.Version() == 7 && u.Variant() == uuid.RFC4122 {
		return ID(s), nil
	}
	return "", fmt.Errorf("%.80q is not a picture ID", s)
}

// MintedAt is when web minted the ID, to the millisecond; zero for a foreign object.
func (id ID) MintedAt() time.Time {
	u, err := uuid.Parse(string(id))
	if err != nil {
		return time.Time{}
	}
	var ms [8]byte
	copy(ms[2:], u[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:]))).UTC()
}

// Short is what may be logged of an ID: enough to search with, too little to see the picture by. The
// start of a UUIDv7 is only its time, so it shows the end.
func (id ID) Short() string {
	return "…" + string(id[max(0, len(id)-8):])
}

// Key is the object key of a minted picture of the given content type.
func (id ID) Key(contentType string) (string, error) {
	for _, f := range formats {
		if f.contentType == contentType {
			return Prefix + string(id) + "." + f.ext, nil
		}
	}
	return "", fmt.Errorf("content type %.80q: only image/jpeg, image/png and image/webp are taken", contentType)
}

// ParseKey reads back what Key made, from a decoded key. Every other key is foreign, and an error.
func ParseKey(key string) (ID, string, error) {
	name, found := strings.CutPrefix(key, Prefix)
	stem, ext, dotted := strings.Cut(name, ".")
	id, err := ParseID(stem)
	if found && dotted && err == nil && !foreignPattern.MatchString(stem) {
		for _, f := range formats {
			if f.ext == ext {
				return id, f.contentType, nil
			}
		}
	}
	return "", "", fmt.Errorf("object key %.80q is not %s<id>.jpg, .png or .webp", key, Prefix)
}

// foreignID hashes what tells one object version from all others. Each part is preceded by its length, so
// that no two triples hash alike by sliding a character across.
func foreignID(p Picture) ID {
	version := p.VersionID
	if version == "" {
		version = p.ETag
	}
	h := sha256.New()
	for _, part := range []string{p.Bucket, p.Key, version} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	sum := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil))
	return ID("o-" + strings.ToLower(sum))
}
