package picture

import (
	"log/slog"
	"regexp"
)

var (
	signature = regexp.MustCompile(`(?i)(X-Amz-(?:Signature|Credential|Security-Token)(?:=|%3D))[^&\s"]*`)
	anyID     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|\bo-[a-z2-7]{52}\b`)
)

// Redact removes signatures and credentials from URLs, and shortens picture IDs to their last eight characters.
func Redact(s string) string {
	s = signature.ReplaceAllString(s, "${1}…")
	return anyID.ReplaceAllStringFunc(s, func(id string) string { return ID(id).Redacted() })
}

// The last eight characters are enough to find the picture in a log, but not to open the picture.
func (id ID) Redacted() string { return "…" + string(id[max(0, len(id)-8):]) }

// LogValue implements slog.LogValuer, so that a log never contains a whole ID.
func (id ID) LogValue() slog.Value { return slog.StringValue(id.Redacted()) }
