package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestVerifyBody(t *testing.T) {
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	for name, c := range map[string]struct {
		body   string
		hashes []string
		status int
		detail string
	}{
		"body_with_its_hash_is_forwarded": {"{}", []string{hash("{}")}, 200, "{}"},
		"empty_body_needs_no_hash":        {"", nil, 200, ""},
		"missing_hash_is_400":             {"{}", nil, 400, hashHeader},
		"hash_of_another_body_is_400":     {"{}", []string{hash("{ }")}, 400, hashHeader},
		"upper_case_hash_is_400":          {"{}", []string{strings.ToUpper(hash("{}"))}, 400, hashHeader},
		"UNSIGNED-PAYLOAD_is_400":         {"{}", []string{"UNSIGNED-PAYLOAD"}, 400, hashHeader},
		"two_hashes_are_400":              {"{}", []string{hash("{}"), hash("{}")}, 400, hashHeader},
		"too_long_body_is_413":            {strings.Repeat(" ", maxBody+1), []string{"any"}, 413, "bytes"},
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				req, err := http.NewRequestWithContext(t.Context(), method, site.URL+"/api/pictures", strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header[http.CanonicalHeaderKey(hashHeader)] = c.hashes
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				got, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != c.status || !strings.Contains(string(got), c.detail) {
					t.Errorf("status %s, %q, %v", res.Status, got, err)
				}
			})
		}
	}
}

func hash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
