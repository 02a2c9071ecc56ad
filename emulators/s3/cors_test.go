package main

import (
	"strings"
	"testing"
)

func TestCORS(t *testing.T) {
	s := start(t, t.TempDir(), startLambda(t).URL)
	signed := grant(t, s.Client, "pictures/cors.jpg")
	requested := "content-type,if-none-match,x-amz-checksum-sha256"
	preflight := func(origin, method, headers string) map[string]string {
		return map[string]string{
			"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers,
		}
	}
	for _, tt := range []struct {
		name   string
		header map[string]string
		status int
	}{
		{"page_may_upload_with_the_headers_of_a_grant", preflight(origin, "PUT", requested), 200},
		{"page_on_localhost_may_upload", preflight("http://localhost:8080", "PUT", requested), 200},
		{"page_may_read", preflight(origin, "GET", ""), 200},
		{"page_on_another_port_is_refused", preflight("http://127.0.0.1:9090", "PUT", requested), 403},
		{"page_of_another_site_is_refused", preflight("https://example.com", "PUT", requested), 403},
		{"page_with_the_origin_null_is_refused", preflight("null", "PUT", requested), 403},
		{"page_may_not_delete", preflight(origin, "DELETE", ""), 403},
		{"page_may_not_set_other_headers", preflight(origin, "PUT", requested+",x-amz-acl"), 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := do(t, "OPTIONS", signed.URL, tt.header, "")
			if resp.StatusCode != tt.status {
				t.Fatalf("preflight: %s, want %d: %s", resp.Status, tt.status, text(t, resp))
			}
			want := map[int]string{200: tt.header["Origin"]}[tt.status]
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("allowed origin %q, want %q", got, want)
			}
			allowed := strings.ToLower(resp.Header.Get("Access-Control-Allow-Headers"))
			for h := range strings.SplitSeq(tt.header["Access-Control-Request-Headers"], ",") {
				if tt.status == 200 && !strings.Contains(allowed, h) {
					t.Errorf("allowed headers %q lack %s", allowed, h)
				}
			}
		})
	}
	t.Run("page_may_read_the_ETag", func(t *testing.T) {
		h := headers(signed)
		h["Origin"] = origin
		resp := do(t, "PUT", signed.URL, h, picture)
		if resp.StatusCode != 200 || resp.Header.Get("Access-Control-Allow-Origin") != origin ||
			!strings.Contains(resp.Header.Get("Access-Control-Expose-Headers"), "ETag") {
			t.Errorf("PUT: %s %v", resp.Status, resp.Header)
		}
	})
	t.Run("page_may_read_the_response_to_a_failed_upload", func(t *testing.T) {
		h := headers(signed)
		h["Origin"] = origin
		resp := do(t, "PUT", signed.URL, h, picture)
		if resp.StatusCode != 412 || resp.Header.Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("PUT: %s %v, want 412 with CORS headers", resp.Status, resp.Header)
		}
	})
}
