package picture

import "regexp"

var (
	signature = regexp.MustCompile(`(?i)((?:X-Amz-(?:Signature|Credential|Security-Token)|\b(?:Signature|Credential|client_assertion|access_token)|(?:\b|%26)sig)(?:"?[=:]\s*"?|%(?:25)*3D)|\bBearer(?: |%20)|\bX-Triptych-Erase:?\s*\[?)[^&\s",\]]*`)
	linkID    = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}-[0-9a-f]{16}`)
)

// Redact removes what gives access to a picture or a cloud: signatures, tokens and link IDs (see web/link.go).
func Redact(s string) string {
	return linkID.ReplaceAllString(signature.ReplaceAllString(s, "${1}…"), "…")
}
