package main

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAPIMethods(t *testing.T) {
	s := newTestSite(t)
	id := newTestLink(time.Now()).id
	for path, allow := range map[string]string{
		"/api/pictures":                   "POST",
		"/api/pictures/" + id:             "DELETE, GET, HEAD",
		"/api/pictures/" + id + "/events": "GET, HEAD",
		"/api/pictures/" + id + "/image":  "GET, HEAD",
		"/healthz":                        "GET, HEAD",
		"/":                               "GET, HEAD",
	} {
		t.Run("PATCH_is_405_on_"+strings.ReplaceAll(path, id, "ID"), func(t *testing.T) {
			resp := s.do(t, "PATCH", path, "", nil)
			if got := resp.Header.Get("Allow"); got != allow {
				t.Errorf("Allow is %q, want %q", got, allow)
			}
			wantProblem(t, resp, http.StatusMethodNotAllowed, allow)
		})
	}
	for path, want := range map[string]int{"/": 200, "/app.js": 200, "/healthz": 200, "/api/pictures/" + id: 200, "/api/pictures/" + id + "/events": 200, "/api/pictures/unknown": 404} {
		t.Run("HEAD_has_the_status_of_GET_and_no_body_on_"+strings.ReplaceAll(path, id, "ID"), func(t *testing.T) {
			resp := s.do(t, "HEAD", path, "", nil)
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != want || len(body) > 0 {
				t.Errorf("HEAD has status %d and a body of %d bytes, want %d and 0", resp.StatusCode, len(body), want)
			}
		})
	}
}

func TestAPIUnknownAddresses(t *testing.T) {
	s := newTestSite(t)
	for _, path := range []string{
		"/api/", "/api/nothing", "/api/pictures/", "/api/pictures/x/y", "/nothing", "/index.htm", "/site/index.html", "/%2e%2e/main.go",
		"/api/pictures/unknown", "/api/pictures/unknown/image", "/api/pictures/unknown/events", "/api/pictures/%00", "/api/pictures/%2e%2e",
		"/api/pictures/..%2f..%2fetc%2fpasswd", "/api/pictures/%F0%9F%91%BB", "/api/pictures/picture%2f0191", "/api/pictures/" + strings.Repeat("a", 4000),
		"/api/pictures/" + strings.ToUpper(newTestLink(time.Now()).id), "/api/pictures/urn:uuid:" + newTestLink(time.Now()).id,
	} {
		t.Run(path[:min(len(path), 40)]+"_is_404", func(t *testing.T) {
			wantProblem(t, s.do(t, "GET", path, "", nil), http.StatusNotFound, "")
		})
	}
}

func TestPageConfig(t *testing.T) {
	thirty := 30
	for name, c := range map[string]struct {
		days *int
		want string
	}{
		"no_retention_is_null": {nil, `{"retentionDays":null}`},
		"retention_is_in_days": {&thirty, `{"retentionDays":30}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSite(t, func(s *testSite) { s.retentionDays = c.days })
			body, err := io.ReadAll(s.do(t, "GET", "/api/notice", "", nil).Body)
			if err != nil || string(body) != c.want+"\n" {
				t.Errorf("the response is %s %v, want %s", body, err, c.want)
			}
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	s := newTestSite(t)
	want := securityHeaders(bucketOrigin)
	for _, path := range []string{"/", "/style.css", "/nothing", "/api/nothing", "/api/pictures", "/healthz"} {
		resp := s.do(t, "GET", path, "", nil)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if got := resp.Header.Get(name); got != want[name] {
				t.Errorf("header %s of %s is %q", name, path, got)
			}
		}
		if isAPI := strings.HasPrefix(path, "/api") || path == "/healthz"; isAPI != (resp.Header.Get("Cache-Control") == "no-store") {
			t.Errorf("Cache-Control of %s is %q", path, resp.Header.Get("Cache-Control"))
		}
	}
	policy := want["Content-Security-Policy"]
	for _, part := range []string{"default-src 'none'", "connect-src 'self' " + bucketOrigin, "blob: " + bucketOrigin, "frame-ancestors 'none'", "manifest-src 'self'", "worker-src 'self'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy does not contain %q", part)
		}
	}
	if !strings.HasSuffix(policy, "; trusted-types workers") {
		t.Errorf("the policy allows another Trusted Types policy than that of workers.js: %s", policy)
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "{") {
		t.Errorf("the policy allows too much: %s", policy)
	}
}

func TestBucketOriginIsTheOriginOfGrants(t *testing.T) {
	s := newTestSite(t)
	if origin, err := s.bucketOrigin(t.Context()); err != nil || origin != bucketOrigin {
		t.Errorf("the origin is %q, %v", origin, err)
	}
}

func TestSite(t *testing.T) {
	s := newTestSite(t)
	t.Run("unchanged_file_is_304", func(t *testing.T) {
		tag := s.do(t, "GET", "/app.js", "", nil).Header.Get("ETag")
		if resp := s.do(t, "GET", "/app.js", "", http.Header{"If-None-Match": {tag}}); tag == "" || resp.StatusCode != http.StatusNotModified {
			t.Errorf("the second request with ETag %s has status %d", tag, resp.StatusCode)
		}
	})
	t.Run("each_file_has_its_content_type", func(t *testing.T) {
		for path, want := range map[string]string{"/": "text/html", "/style.css": "text/css", "/app.js": "text/javascript", "/icon.svg": "image/svg+xml", "/icon-512.png": "image/png", "/manifest.json": "application/json"} {
			if got := s.do(t, "GET", path, "", nil).Header.Get("Content-Type"); !strings.HasPrefix(got, want) {
				t.Errorf("%s is %q", path, got)
			}
		}
	})
	t.Run("page_has_no_inline_code_and_loads_nothing_from_other_sites", func(t *testing.T) {
		entries, err := files.ReadDir("site")
		if err != nil {
			t.Fatal(err)
		}
		dictionaries := translations(t)
		for _, entry := range entries {
			content, err := files.ReadFile("site/" + entry.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, banned := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=", "onclick=", "<style", "https://"} {
				if strings.Contains(string(content), banned) {
					t.Errorf("%s contains %s", entry.Name(), banned)
				}
			}
			if lines := strings.Count(string(content), "\n"); strings.HasSuffix(entry.Name(), ".js") && !slices.Contains(dictionaries, strings.TrimSuffix(entry.Name(), ".js")) && lines >= 200 {
				t.Errorf("%s has %d lines", entry.Name(), lines)
			}
		}
	})
}
