package picture_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"triptych/picture"
)

func TestRedact(t *testing.T) {
	const link = "01990000-0000-7000-8000-000000000000-0123456789abcdef"
	for name, c := range map[string]struct{ in, want string }{
		"text_without_secrets_is_unchanged":   {"the bucket does not exist (404)", "the bucket does not exist (404)"},
		"picture_ID_is_unchanged":             {"picture/01990000-0000-7000-8000-000000000000", "picture/01990000-0000-7000-8000-000000000000"},
		"link_ID_is_removed":                  {"GET /api/pictures/" + link + "/image", "GET /api/pictures/…/image"},
		"each_of_several_link_IDs_is_removed": {link + "," + link, "…,…"},
		"upper_case_link_ID_is_removed":       {"/01990000-0000-7000-8000-00000000ABCD-0123456789ABCDEF", "/…"},
		"URL_signature_is_removed":            {"https://s3/k?X-Amz-Expires=60&X-Amz-Signature=0a1b2c&x-id=GetObject", "https://s3/k?X-Amz-Expires=60&X-Amz-Signature=…&x-id=GetObject"},
		"URL_credential_is_removed":           {"https://s3/k?X-Amz-Credential=AKIA%2F20261122&x=1", "https://s3/k?X-Amz-Credential=…&x=1"},
		"URL_session_token_is_removed":        {"https://s3/k?X-Amz-Security-Token=abc", "https://s3/k?X-Amz-Security-Token=…"},
		"lower_case_signature_is_removed":     {"https://s3/k?x-amz-signature=0a1b2c", "https://s3/k?x-amz-signature=…"},
		"signature_in_an_escaped_URL_is_removed": {
			"http://proxy/?from=https%3A%2F%2Fs3%3FX-Amz-Signature%3D0a1b2c&retry=1", "http://proxy/?from=https%3A%2F%2Fs3%3FX-Amz-Signature%3D…&retry=1",
		},
		"signature_in_a_twice_escaped_URL_is_removed": {"X-Amz-Signature%253D0a1b2c&retry=1", "X-Amz-Signature%253D…&retry=1"},
		"signature_of_an_AWS_Authorization_header_is_removed": {
			"Authorization: AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0a1b2c", "Authorization: AWS4-HMAC-SHA256 SignedHeaders=host, Signature=…",
		},
		"signature_of_a_Cosmos_DB_token_is_removed": {"type=master&ver=1.0&sig=5mDuQBYA=", "type=master&ver=1.0&sig=…"},
		"escaped_Cosmos_DB_signature_is_removed":    {"type%3Dmaster%26ver%3D1.0%26sig%3D5mDuQBYA", "type%3Dmaster%26ver%3D1.0%26sig%3D…"},
		"credential_of_an_AWS_Authorization_header_is_removed": {
			"AWS4-HMAC-SHA256 Credential=AKIA/20261122, SignedHeaders=host", "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=host",
		},
		"erase_token_is_removed":                            {"map[X-Triptych-Erase:[3q2-7w] Accept:[*/*]]", "map[X-Triptych-Erase:[…] Accept:[*/*]]"},
		"erase_token_header_is_removed":                     {"X-Triptych-Erase: 3q2-7w", "X-Triptych-Erase: …"},
		"erase_token_in_JSON_is_removed":                    {`{"X-Triptych-Erase":["3q2-7w"],"Accept":["*/*"]}`, `{"X-Triptych-Erase":["…"],"Accept":["*/*"]}`},
		"erase_token_in_escaped_JSON_is_removed":            {`"{\"X-Triptych-Erase\":[\"3q2-7w\"]}"`, `"{\"X-Triptych-Erase\":[\"…"]}"`},
		"erase_token_in_a_query_is_removed":                 {"X-Triptych-Erase=3q2-7w&x=1", "X-Triptych-Erase=…&x=1"},
		"escaped_erase_token_is_removed":                    {"X-Triptych-Erase%3A%203q2-7w&x=1", "X-Triptych-Erase%3A%20…&x=1"},
		"client_assertion_is_removed":                       {"client_id=a&client_assertion=ey.J0&scope=b", "client_id=a&client_assertion=…&scope=b"},
		"access_token_in_JSON_is_removed":                   {`{"access_token": "ey.J0", "expires_in": 1}`, `{"access_token": "…", "expires_in": 1}`},
		"access_token_in_escaped_JSON_is_removed":           {`"{\"access_token\": \"ey.J0\"}"`, `"{\"access_token\": \"…"}"`},
		"escaped_bearer_token_is_removed":                   {"authorization=Bearer%20ey.J0&x=1", "authorization=Bearer%20…&x=1"},
		"bearer_token_is_removed":                           {"Authorization: Bearer ey.J0.eXAi", "Authorization: Bearer …"},
		"token_in_a_header_as_JSON_is_removed":              {`{"X-Amz-Security-Token":["IQoJ"],"Accept":["*/*"]}`, `{"X-Amz-Security-Token":["…"],"Accept":["*/*"]}`},
		"signature_in_an_escaped_query_is_removed":          {"x%26Signature%3D0a1b2c&y=1", "x%26Signature%3D…&y=1"},
		"twice_escaped_Cosmos_DB_signature_is_removed":      {"ver%253D1.0%2526sig%253D5mDuQBYA", "ver%253D1.0%2526sig%253D…"},
		"signature_in_JSON_of_a_URL_is_removed":             {`"https://s3/k?x=1\u0026Signature=0a1b2c"`, `"https://s3/k?x=1\u0026Signature=…"`},
		"signature_after_an_escaped_equals_sign_is_removed": {`ver=1.0\u0026sig\u003d5mDuQBYA`, `ver=1.0\u0026sig\u003d…`},
		"subject_token_is_removed":                          {"subject_token=ey.J0&scope=b", "subject_token=…&scope=b"},
		"id_token_is_removed":                               {`{"id_token":"ey.J0"}`, `{"id_token":"…"}`},
		"twice_escaped_bearer_token_is_removed":             {"Bearer%2520ey.J0&x=1", "Bearer%2520…&x=1"},
		"bearer_token_after_a_plus_is_removed":              {"Bearer+ey.J0", "Bearer+…"},
		"bearer_token_after_a_tab_is_removed":               {"Bearer\tey.J0", "Bearer\t…"},
		"escaped_link_ID_is_removed":                        {"GET /" + strings.ReplaceAll(link, "-", "%2D"), "GET /…"},
		"quoted_URL_keeps_its_closing_quote":                {`fetching "https://s3/k?X-Amz-Signature=0a1b2c" failed`, `fetching "https://s3/k?X-Amz-Signature=…" failed`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := picture.Redact(c.in); got != c.want {
				t.Errorf("Redact = %q, want %q", got, c.want)
			}
		})
	}
}

func TestCause(t *testing.T) {
	for name, text := range map[string]string{
		"page_of_a_proxy_is_shortened":   strings.Repeat("<html>", 1000),
		"long_text_keeps_whole_letters":  strings.Repeat("ä", 5000),
		"signature_at_the_limit_is_gone": strings.Repeat("x", 1900) + "?X-Amz-Signature=0a1b2c" + strings.Repeat("3d", 200),
	} {
		t.Run(name, func(t *testing.T) {
			got := picture.Cause(errors.New(text)).Error()
			encoded, err := json.Marshal(got)
			if err != nil || len(encoded) > 2000 || len(encoded) < 1000 || !utf8.ValidString(got) || strings.Contains(got, "0a1b") {
				t.Errorf("%d bytes of JSON, %v: %s", len(encoded), err, got)
			}
		})
	}
	t.Run("short_text_is_unchanged", func(t *testing.T) {
		if got := picture.Cause(errors.New("no such host")).Error(); got != "no such host" {
			t.Error(got)
		}
	})
}
