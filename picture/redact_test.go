package picture_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"triptych/picture"
)

func TestRedacted(t *testing.T) {
	for name, id := range map[string]picture.ID{"upload_ID": picture.NewID(noon), "backfill_ID": newBackfillPicture(t).ID} {
		t.Run(name+"_is_shortened_to_its_last_eight_characters", func(t *testing.T) {
			if got, want := id.Redacted(), "…"+string(id[len(id)-8:]); got != want {
				t.Errorf("Redacted = %q, want %q", got, want)
			}
		})
		t.Run(name+"_is_logged_redacted", func(t *testing.T) {
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("message", "picture", id)
			if line := log.String(); strings.Contains(line, string(id)) || !strings.Contains(line, id.Redacted()) {
				t.Errorf("the log is %s", line)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	upload, backfill := picture.NewID(noon), newBackfillPicture(t).ID
	for name, c := range map[string]struct{ in, want string }{
		"text_without_secrets_is_unchanged": {"the bucket does not exist (404)", "the bucket does not exist (404)"},
		"upload_ID_is_shortened":            {"picture " + string(upload) + " failed", "picture " + upload.Redacted() + " failed"},
		"backfill_ID_is_shortened":          {"picture " + string(backfill) + " failed", "picture " + backfill.Redacted() + " failed"},
		"workflow_ID_is_shortened":          {upload.WorkflowID(), "picture/" + upload.Redacted()},
		"each_of_several_IDs_is_shortened":  {string(upload) + "," + string(backfill), upload.Redacted() + "," + backfill.Redacted()},
		"URL_signature_is_removed":          {"https://s3/k?X-Amz-Expires=60&X-Amz-Signature=0a1b2c&x-id=GetObject", "https://s3/k?X-Amz-Expires=60&X-Amz-Signature=…&x-id=GetObject"},
		"URL_credential_is_removed":         {"https://s3/k?X-Amz-Credential=AKIA%2F20261122&x=1", "https://s3/k?X-Amz-Credential=…&x=1"},
		"URL_session_token_is_removed":      {"https://s3/k?X-Amz-Security-Token=abc", "https://s3/k?X-Amz-Security-Token=…"},
		"lower_case_signature_is_removed":   {"https://s3/k?x-amz-signature=0a1b2c", "https://s3/k?x-amz-signature=…"},
		"signature_in_an_escaped_URL_is_removed": {
			"http://proxy/?from=https%3A%2F%2Fs3%3FX-Amz-Signature%3D0a1b2c&retry=1", "http://proxy/?from=https%3A%2F%2Fs3%3FX-Amz-Signature%3D…&retry=1",
		},
		"quoted_URL_keeps_its_closing_quote": {`fetching "https://s3/k?X-Amz-Signature=0a1b2c" failed`, `fetching "https://s3/k?X-Amz-Signature=…" failed`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := picture.Redact(c.in); got != c.want {
				t.Errorf("Redact = %q, want %q", got, c.want)
			}
		})
	}
}
