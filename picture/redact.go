package picture

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

var (
	signature = regexp.MustCompile(`(?i)((?:X-Amz-(?:Signature|Credential|Security-Token)|(?:\b|%(?:25)*26|\\u0026)(?:Signature|Credential|client_assertion|access_token|subject_token|id_token|sig))(?:[\\"]*[=:]\s*[\\"\[]*|%(?:25)*3D|\\u003d)|\bBearer(?:\s|\+|%(?:25)*20)+|\bX-Triptych-Erase(?:[\\"\s=:\[]|%(?:25)*(?:20|22|3A|3D|5B))+)[^&\s",\]]*`)
	linkID    = regexp.MustCompile(`(?i)` + strings.Join([]string{
		`[0-9a-f]{8}`, `[0-9a-f]{4}`, `7[0-9a-f]{3}`, `[0-9a-f]{4}`, `[0-9a-f]{12}`, `[0-9a-f]{16}`,
	}, `(?:-|%(?:25)*2D)`))
)

const linkIDHyphens = 5

// Redact removes what gives access to a picture or a cloud: signatures, tokens and link IDs (see web/link.go).
//
// Cheap conditions first exclude most texts, because the expressions took 4 % of the worker's CPU time.
func Redact(s string) string {
	if strings.ContainsAny(s, "=:%+[\\\" \t\n\f\r") { // each match of signature contains one of them
		s = signature.ReplaceAllString(s, "${1}…")
	}
	if strings.Count(s, "-")+strings.Count(s, "%") >= linkIDHyphens {
		s = linkID.ReplaceAllString(s, "…")
	}
	return s
}

// maxCause is in bytes of JSON. From a failure of more than 4 KiB, Temporal removes the type, the details and all texts.
const maxCause = 2000

// Cause returns err as the cause of a failure in Temporal: redacted, and shortened to maxCause.
func Cause(err error) error {
	text := Redact(err.Error())
	for {
		encoded, _ := json.Marshal(text) // turns each <, > and & into six bytes, as Temporal's SDK does
		if len(encoded) <= maxCause {
			return errors.New(text)
		}
		text = strings.ToValidUTF8(text[:len(text)*3/4], "") + "…"
	}
}
