package main

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"triptych/picture"
)

const validHash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

func TestCreateGrant(t *testing.T) {
	s := newTestSite(t)
	for contentType, ext := range map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"} {
		t.Run("grant_for_"+contentType+"_allows_one_upload_of_these_bytes", func(t *testing.T) {
			resp := s.post(t, `{"contentType":"`+contentType+`","size":20000000,"sha256":"`+validHash+`"}`)
			if resp.StatusCode != http.StatusCreated {
				wantProblem(t, resp, http.StatusCreated, "")
			}
			g := decodeBody[grant](t, resp)
			if l, ok := s.parseLink(g.ID); !ok || l.picture != g.Reference || time.Since(g.Reference.CreatedAt()) > time.Minute {
				t.Errorf("the link ID is %s, the picture ID is %s", g.ID, g.Reference)
			}
			if got := resp.Header.Get("Location"); got != "/api/pictures/"+g.ID {
				t.Errorf("Location is %q", got)
			}
			u, err := url.Parse(g.Upload.URL)
			if err != nil {
				t.Fatal(err)
			}
			query := u.Query()
			if got := u.Scheme + "://" + u.Host + u.Path; got != bucketOrigin+"/pictures/pictures/"+string(g.Reference)+ext {
				t.Errorf("the upload URL is %s", got)
			}
			if got := query.Get("X-Amz-SignedHeaders"); got != "content-length;content-type;host;if-none-match;x-amz-checksum-sha256" {
				t.Errorf("signed headers are %s", got)
			}
			if got := query.Get("X-Amz-Expires"); got != "900" {
				t.Errorf("the grant is valid for %s s", got)
			}
			if left := time.Until(g.ExpiresAt); left > picture.GrantTTL || left < picture.GrantTTL-time.Minute {
				t.Errorf("expiresAt is in %v", left)
			}
			want := map[string]string{"content-type": contentType, "x-amz-checksum-sha256": validHash, "if-none-match": "*"}
			if len(g.Upload.Headers) != len(want) || g.Upload.Method != "PUT" {
				t.Errorf("the upload is %s with %v", g.Upload.Method, g.Upload.Headers)
			}
			for name, value := range want {
				if g.Upload.Headers[name] != value {
					t.Errorf("header %s is %q, want %q", name, g.Upload.Headers[name], value)
				}
			}
			if g.EraseToken != s.eraseToken(g.Reference) {
				t.Error("the erase token is not the one of this picture")
			}
		})
	}
}

func TestCreateGrantRefuses(t *testing.T) {
	s := newTestSite(t)
	sum31 := base64.StdEncoding.EncodeToString(make([]byte, 31))
	for name, test := range map[string]struct{ body, detail string }{
		"invalid_JSON":                {`picture`, "contentType"},
		"array":                       {`[]`, "contentType"},
		"two_objects":                 {validRequest() + validRequest(), "end"},
		"unknown_field":               {strings.Replace(validRequest(), "{", `{"key":"../x",`, 1), "unknown field"},
		"HTML_content_type":           {strings.Replace(validRequest(), "image/jpeg", "text/html", 1), "image/webp"},
		"content_type_with_parameter": {strings.Replace(validRequest(), "image/jpeg", "image/jpeg; x=y", 1), "image/webp"},
		"missing_size":                {strings.Replace(validRequest(), `"size":1,`, "", 1), "20000000"},
		"negative_size":               {strings.Replace(validRequest(), `"size":1`, `"size":-1`, 1), "20000000"},
		"size_above_Vision_limit":     {strings.Replace(validRequest(), `"size":1`, `"size":20000001`, 1), "20000000"},
		"size_as_string":              {strings.Replace(validRequest(), `"size":1`, `"size":"1"`, 1), "size"},
		"size_above_int64":            {strings.Replace(validRequest(), `"size":1`, `"size":9223372036854775808`, 1), "size"},
		"missing_sha256":              {`{"contentType":"image/jpeg","size":1}`, "sha256"},
		"hex_sha256":                  {strings.Replace(validRequest(), validHash, strings.Repeat("0", 64), 1), "sha256"},
		"sha256_without_padding":      {strings.Replace(validRequest(), validHash, strings.TrimRight(validHash, "="), 1), "sha256"},
		"sha256_with_line_break":      {strings.Replace(validRequest(), validHash, validHash[:8]+`\n`+validHash[8:], 1), "sha256"},
		"sha256_of_31_bytes":          {strings.Replace(validRequest(), validHash, sum31, 1), "sha256"},
	} {
		t.Run(name, func(t *testing.T) {
			wantProblem(t, s.post(t, test.body), http.StatusBadRequest, test.detail)
		})
	}
}

func TestTooLongUploadRequestIs413(t *testing.T) {
	s := newTestSite(t)
	wantProblem(t, s.post(t, strings.Repeat(" ", maxBody)+validRequest()), http.StatusRequestEntityTooLarge, "bytes")
}

func validRequest() string {
	return `{"contentType":"image/jpeg","size":1,"sha256":"` + validHash + `"}`
}

func (s *testSite) post(t *testing.T, body string) *http.Response {
	t.Helper()
	return s.do(t, "POST", "/api/pictures", body, nil)
}

func TestBodyThatStallsIs408(t *testing.T) {
	_, err := readUploadRequest(iotest.ErrReader(os.ErrDeadlineExceeded))
	if p, ok := errors.AsType[problem](err); !ok || p.Status != http.StatusRequestTimeout {
		t.Errorf("the error is %v", err)
	}
}
