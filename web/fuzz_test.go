package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"triptych/picture"
)

// FuzzGrant checks that every request body results either in an error response with status 400 or 413, or in a grant
// for exactly the upload that the body describes.
func FuzzGrant(f *testing.F) {
	discardLog(f)
	for _, body := range []string{
		validRequest(), "", "{}", "null", `{"contentType":null}`, `{"size":1e3}`, strings.Repeat("[", 4000), "\x00", `{"sha256":"😀"}`,
		strings.ToUpper(validRequest()), strings.Replace(validRequest(), "jpeg", "webp", 1), validRequest() + " ", "\ufeff" + validRequest(),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/api/pictures", strings.NewReader(body))
		newOfflineAPI().handler(bucketOrigin).ServeHTTP(w, r)
		if w.Code == http.StatusBadRequest || w.Code == http.StatusRequestEntityTooLarge {
			wantProblem(t, w.Result(), w.Code, "")
			return
		}
		var want uploadRequest
		var got grant
		if err := json.Unmarshal([]byte(body), &want); err != nil || want.Size < 1 || want.Size > picture.MaxSize {
			t.Fatalf("the invalid body %q was granted: %v", body, err)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusCreated {
			t.Fatalf("the body %q has status %d and the response %s: %v", body, w.Code, w.Body, err)
		}
		u, err := url.Parse(got.Upload.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, contentType, err := picture.ParseKey(strings.TrimPrefix(u.Path, "/pictures/"))
		if err != nil || contentType != want.ContentType || u.Scheme+"://"+u.Host != bucketOrigin {
			t.Errorf("the body %q has the URL %s: %v", body, got.Upload.URL, err)
		}
		if signed := u.Query().Get("X-Amz-SignedHeaders"); signed != "content-length;content-type;host;if-none-match;x-amz-checksum-sha256" {
			t.Errorf("signed headers are %s", signed)
		}
		if h := got.Upload.Headers; len(h) != 3 || h["content-type"] != want.ContentType || h["x-amz-checksum-sha256"] != want.SHA256 || h["if-none-match"] != "*" {
			t.Errorf("the body %q has the headers %v", body, h)
		}
	})
}

func FuzzAPI(f *testing.F) {
	discardLog(f)
	for _, seed := range []struct{ method, path, length, body string }{
		{"GET", "/api/pictures/unknown", "", ""}, {"DELETE", "/api/pictures/o-aaaa", "", ""}, {"HEAD", "/api/notice", "0", ""}, {"HEAD", "/api/notice", "", "x"},
		{"POST", "/api/pictures", "", "{}"}, {"POST", "/api/pictures", "1", "{}"}, {"PUT", "/api/pictures", "-1", ""},
		{"GET", "/api/pictures/%2e%2e/image", "", ""}, {"GET", "/api//pictures/../pictures/%00/events", "", ""}, {"OPTIONS", "/api/?a=%zz", "", ""},
		{"POST", "/api/pictures", "", validRequest()}, {"\x80", "/api/x", "x", "\xff"},
	} {
		f.Add(seed.method, seed.path, seed.length, seed.body)
	}
	api := newOfflineAPI().handler(bucketOrigin)
	f.Fuzz(func(t *testing.T, method, path, length, body string) {
		r, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/api/") {
			t.Skip("this is not an HTTP request for the API")
		}
		r.RequestURI = path
		if n, err := strconv.ParseInt(length, 10, 64); err == nil {
			r.ContentLength, r.Body = n, io.NopCloser(strings.NewReader(body))
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if _, issued := testConfig.parseLink(r.PathValue("id")); issued {
			t.Skip("the offline API cannot look up a picture")
		}
		switch {
		case w.Code >= 500 || w.Code < 200:
			t.Errorf("%s %q has status %d: %s", method, path, w.Code, w.Body)
		case w.Code >= 400 && method == http.MethodHead:
			if w.Body.Len() > 0 {
				t.Errorf("HEAD %q has the body %s", path, w.Body)
			}
		case w.Code >= 400:
			wantProblem(t, w.Result(), w.Code, "")
		case w.Code >= 300 && !strings.HasPrefix(w.Header().Get("Location"), "/"):
			t.Errorf("%s %q redirects to %q", method, path, w.Header().Get("Location"))
		}
	})
}

// discardLog stops logging during a fuzz test, which would log every request.
func discardLog(f *testing.F) {
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	f.Cleanup(func() { slog.SetDefault(previous) })
}
