package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"triptych/picture"
)

// The link ID gives access to the picture, so no program of Triptych stores or logs it. The access logs of AWS contain it (SECURITY.md).
type link struct {
	id      string // a UUIDv7, a dash, and 16 hex digits of its MAC
	picture picture.ID
}

// Nobody can guess a link ID, because it contains 46 random bits and an HMAC of 64 bits.
func (c config) newLink(remoteAddr string) link {
	u := uuid.Must(uuid.NewV7()) // the random generator never fails
	copy(u[14:], c.networkTag(remoteAddr, time.Now()))
	return c.link(u)
}

// networkTag returns a keyed hash of the client's network and the day. Its 16 bits are too few to identify a person.
func (c config) networkTag(remoteAddr string, now time.Time) []byte {
	addr, _ := netip.ParseAddrPort(remoteAddr) // clients without a valid address share one tag
	ip, bits := addr.Addr().Unmap(), 24
	if ip.Is6() {
		bits = 64
	}
	network, _ := ip.Prefix(bits)
	return c.mac("network " + now.UTC().Format(time.DateOnly) + " " + network.String())[:2]
}

// parseLink refuses IDs that this site never issued, so that made-up IDs cause no work.
func (c config) parseLink(s string) (link, bool) {
	u, err := uuid.Parse(s[:min(36, len(s))])
	l := c.link(u)
	return l, err == nil && hmac.Equal([]byte(l.id), []byte(s))
}

func (c config) link(u uuid.UUID) link {
	id := u.String() + "-" + hex.EncodeToString(c.mac("link " + u.String())[:8])
	return link{id, picture.NewID(time.Unix(u.Time().UnixTime()), id).InNetwork(hex.EncodeToString(u[14:]))}
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
