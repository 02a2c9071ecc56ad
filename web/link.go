package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"

	"triptych/picture"
)

// link is a picture's link ID with the picture's ID. Whoever knows the link ID can see the picture. The link ID exists
// only in the upload grant and in the browser, so a list of objects or workflows opens no picture.
type link struct {
	id      string // a UUIDv7, a dash, and 16 hex digits of its MAC
	picture picture.ID
}

// The UUIDv7 has 62 random bits, and the MAC another 64 that nobody can guess.
func (c config) newLink() (link, error) {
	u, err := uuid.NewV7()
	if err != nil {
		return link{}, fmt.Errorf("creating a link ID: %w", err)
	}
	return c.link(u), nil
}

// parseLink refuses IDs that this site never issued, so that made-up IDs cause no work.
func (c config) parseLink(s string) (link, bool) {
	u, err := uuid.Parse(s[:min(36, len(s))])
	l := c.link(u)
	return l, err == nil && hmac.Equal([]byte(l.id), []byte(s))
}

func (c config) link(u uuid.UUID) link {
	id := u.String() + "-" + hex.EncodeToString(c.mac("link " + u.String())[:8])
	return link{id, picture.NewID(time.Unix(u.Time().UnixTime()), id)}
}

func (c config) mac(text string) []byte {
	mac := hmac.New(sha256.New, c.eraseSecret)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// eraseToken allows its holder to erase the picture.
func (c config) eraseToken(id picture.ID) string {
	return base64.RawURLEncoding.EncodeToString(c.mac(string(id)))
}
