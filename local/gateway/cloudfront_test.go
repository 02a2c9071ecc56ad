package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func hash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func TestBodyHash(t *testing.T) {
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	for name, c := range map[string]struct {
		body   string
		hashes []string
		status int
		want   string
	}{
		"body_with_its_hash_is_forwarded":       {"{}", []string{hash("{}")}, 200, "{}"},
		"empty_body_with_its_hash_is_forwarded": {"", []string{hash("")}, 200, ""},
		"missing_hash_is_403":                   {"{}", nil, 403, "signature"},
		"missing_hash_of_an_empty_body_is_403":  {"", nil, 403, "signature"},
		"hash_of_another_body_is_403":           {"{}", []string{hash("{ }")}, 403, "signature"},
		"upper_case_hash_is_403":                {"{}", []string{strings.ToUpper(hash("{}"))}, 403, "signature"},
		"UNSIGNED-PAYLOAD_is_403":               {"{}", []string{"UNSIGNED-PAYLOAD"}, 403, "signature"},
		"two_hashes_are_403":                    {"{}", []string{hash("{}"), hash("{}")}, 403, "signature"},
		"too_long_body_is_413":                  {strings.Repeat(" ", maxBody+1), []string{"any"}, 413, "bytes"},
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				status, got := request(t, method, site.URL+"/api/pictures", http.Header{http.CanonicalHeaderKey(hashHeader): c.hashes}, c.body)
				if status != c.status || !strings.Contains(got, c.want) {
					t.Errorf("status %d, %q", status, got)
				}
			})
		}
	}
}

func TestMethods(t *testing.T) {
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	all := append(slices.Clone(APIMethods), "TRACE", "PROPFIND")
	for path, allowed := range map[string][]string{"/": PageMethods, "/api": PageMethods, "/api/pictures": APIMethods} {
		for _, method := range all {
			want := http.StatusForbidden
			if slices.Contains(allowed, method) {
				want = http.StatusNoContent
			}
			t.Run(method+"_"+path, func(t *testing.T) {
				header := http.Header{}
				header.Set(hashHeader, hash(""))
				status, body := request(t, method, site.URL+path, header, "")
				if status != want || status == http.StatusForbidden && !strings.Contains(body, "not configured to allow the HTTP request method") {
					t.Errorf("status %d, %q; want %d", status, body, want)
				}
			})
		}
	}
	t.Run("GET_with_a_body_is_403", func(t *testing.T) {
		if status, body := request(t, "GET", site.URL+"/api/notice", nil, "{}"); status != http.StatusForbidden {
			t.Errorf("status %d, %q", status, body)
		}
	})
	t.Run("HEAD_with_a_body_is_forwarded", func(t *testing.T) { // AWS documents the refusal for GET only
		if status, _ := request(t, "HEAD", site.URL+"/api/notice", nil, "{}"); status != http.StatusNoContent {
			t.Errorf("status %d", status)
		}
	})
}

func TestRequestSize(t *testing.T) {
	site := startSite(t, func(http.ResponseWriter, *http.Request) {})
	host := strings.TrimPrefix(site.URL, "http://")
	head := len("GET /? HTTP/1.1\r\nHost: " + host + "\r\nAccept-Encoding: gzip\r\nUser-Agent: Go-http-client/1.1\r\nX-Long: \r\n")
	for name, tt := range map[string]struct{ query, header, want int }{
		"URL_of_8192_bytes_is_forwarded":      {maxURL - len("https://"+host+"/?"), 0, http.StatusOK},
		"URL_of_8193_bytes_is_413":            {maxURL - len("https://"+host+"/?") + 1, 0, http.StatusRequestEntityTooLarge},
		"request_of_20480_bytes_is_forwarded": {0, maxHead - head, http.StatusOK},
		"request_of_20481_bytes_is_413":       {0, maxHead - head + 1, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), "GET", site.URL+"/?"+strings.Repeat("x", tt.query), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Long", strings.Repeat("x", tt.header))
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != tt.want || res.Close != (tt.want != http.StatusOK) {
				t.Errorf("status %d, connection closed: %t; want %d", res.StatusCode, res.Close, tt.want)
			}
		})
	}
}

func TestHeadersThatCloudFrontRemovesDoNotReachWeb(t *testing.T) {
	received := make(chan http.Header, 1)
	site := startSite(t, func(_ http.ResponseWriter, r *http.Request) { received <- r.Header })
	sent := http.Header{
		"X-Triptych-Erase": {"token"}, "Accept-Language": {"de"}, "X-Amz-Content-Sha256": {hash("")},
		"X-Triptych-Client": {"203.0.113.7"},
		"Authorization":     {"Basic eA=="}, "X-Amz-Date": {"x"}, "X-Amz-Security-Token": {"x"}, "X-Amz-Cf-Id": {"x"}, "X-Edge-Location": {"x"},
		"X-Forwarded-Proto": {"https"}, "X-Http-Method-Override": {"DELETE"}, "X-Real-Ip": {"203.0.113.7"},
	}
	if status, body := request(t, "GET", site.URL+"/api/notice", sent, ""); status != http.StatusOK {
		t.Fatalf("status %d, %q", status, body)
	}
	got := <-received
	for name := range sent {
		want := ""
		switch name {
		case "X-Triptych-Erase", "Accept-Language", "X-Amz-Content-Sha256":
			want = sent.Get(name)
		case "X-Triptych-Client":
			want = "127.0.0.1" // a client cannot choose its network
		}
		if got.Get(name) != want {
			t.Errorf("web received %s: %q, want %q", name, got.Get(name), want)
		}
	}
}

func request(t *testing.T, method, url string, header http.Header, body string) (status int, got string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
