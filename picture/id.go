package picture

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ID identifies a picture in S3, Temporal, Cosmos DB and the logs. Only the link ID (web/link.go) gives access.
type ID string

const Prefix = "pictures/" // of the key of every upload

var formats = [...]struct{ contentType, ext string }{{"image/jpeg", "jpg"}, {"image/png", "png"}, {"image/webp", "webp"}}

// NewID returns a UUIDv7 whose 74 random bits come from the link ID's SHA-256.
func NewID(createdAt time.Time, linkID string) ID {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:], uint64(createdAt.UnixMilli())<<16)
	sum := sha256.Sum256([]byte(linkID))
	copy(u[6:], sum[:])
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return ID(u.String())
}

// InNetwork replaces the ID's last four digits with a tag of the client's IP network (networkTag in web/link.go).
// Temporal uses the tag for fairness.
func (id ID) InNetwork(tag string) ID { return id[:len(id)-4] + ID(tag) }

// Network returns the tag of the client's IP network (see InNetwork), or "" if the picture was not uploaded through
// the site.
func (id ID) Network() string {
	if backfillPattern.MatchString(string(id)) {
		return ""
	}
	return string(id[max(0, len(id)-4):])
}

var backfillPattern = regexp.MustCompile(`^o-[a-z2-7]{52}$`)

// ParseID accepts a lower-case UUIDv7 for an upload, or "o-" and 52 base32 characters for a backfilled object.
func ParseID(s string) (ID, error) {
	if backfillPattern.MatchString(s) {
		return ID(s), nil
	}
	if u, err := uuid.Parse(s); err == nil && u.String() == s && u.Version() == 7 && u.Variant() == uuid.RFC4122 {
		return ID(s), nil
	}
	return "", fmt.Errorf("%.80q is not a picture ID", s)
}

// CreatedAt has millisecond precision. It is zero if the picture was not uploaded through the site.
func (id ID) CreatedAt() time.Time {
	u, err := uuid.Parse(string(id))
	if err != nil {
		return time.Time{}
	}
	return time.Unix(u.Time().UnixTime()).UTC()
}

func (id ID) Key(contentType string) (string, error) {
	for _, f := range formats {
		if f.contentType == contentType {
			return Prefix + string(id) + "." + f.ext, nil
		}
	}
	return "", fmt.Errorf("content type %.80q: only image/jpeg, image/png and image/webp are accepted", contentType)
}

// ParseKey returns the ID and the content type, or an error for a key that ID.Key cannot return.
func ParseKey(key string) (ID, string, error) {
	name, found := strings.CutPrefix(key, Prefix)
	stem, ext, _ := strings.Cut(name, ".")
	id, err := ParseID(stem)
	for _, f := range formats {
		if found && err == nil && f.ext == ext && !backfillPattern.MatchString(stem) {
			return id, f.contentType, nil
		}
	}
	return "", "", fmt.Errorf("object key %.80q is not %s<id>.jpg, .png or .webp", key, Prefix)
}

// The lengths in the hash input distinguish bucket "a", key "bc" from bucket "ab", key "c".
func backfillID(p Picture) ID {
	h := sha256.New()
	for _, part := range []string{p.Bucket, p.Key, cmp.Or(p.VersionID, p.ETag)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	sum := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil))
	return ID("o-" + strings.ToLower(sum))
}
