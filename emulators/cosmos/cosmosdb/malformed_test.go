package cosmosdb

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ method, path, authorization, partition, body string }{
		{"POST", "/dbs/db/colls/c/docs", "", `["p"]`, `{"id":"p"}`},
		{"POST", "/dbs/db/colls/c/docs", "", `[{}]`, `{"id":"a"}`},
		{"GET", "/dbs/db/colls/c/docs/a", "type%3Dmaster%26ver%3D1.0%26sig%3D", `[null]`, ``},
		{"PUT", "/dbs/db/colls/c/docs/%2e%2e", "type=aad&ver=1.0&sig=", `[1e400]`, `{"id":"..","x":{"a":[[[`},
		{"DELETE", "/dbs//colls/%00/docs/%2F", "%zz", `["\ud800"]`, "\xff"},
		{"POST", "/dbs", "", ``, `{"id":"x","_rid":1,"ttl":{}}`},
		{"POST", "/dbs/db/colls", "", ``, `{"id":"x","partitionKey":{"paths":["/"]},"defaultTtl":1e99}`},
		{"POST", "/dbs/db/colls", "", ``, `{"id":"x","partitionKey":{"paths":["//"]}}`},
	} {
		f.Add(seed.method, seed.path, seed.authorization, seed.partition, seed.body)
	}
	s, err := Open(filepath.Join(f.TempDir(), "cosmos.db"), testKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	s.db.NoSync = true // faster; the test does not need durable data
	for _, resource := range []struct{ path, body string }{
		{"/dbs", `{"id":"db"}`},
		{"/dbs/db/colls", `{"id":"c","defaultTtl":-1,"partitionKey":{"paths":["/id"]}}`},
	} {
		if w := serveRequest(s, "POST", resource.path, "", "", resource.body); w.Code != http.StatusCreated {
			f.Fatal(w.Body)
		}
	}
	f.Fuzz(func(t *testing.T, method, path, authorization, partition, body string) {
		if _, err := http.NewRequest(method, "http://localhost/", nil); err != nil || !strings.HasPrefix(path, "/") {
			return
		}
		w := serveRequest(s, method, path, authorization, partition, body)
		if w == nil {
			return
		}
		if w.Code == http.StatusInternalServerError || w.Code < 200 {
			t.Errorf("%s %q status %d: %s", method, path, w.Code, w.Body)
		}
	})
}

func serveRequest(s *Server, method, path, authorization, partition, body string) *httptest.ResponseRecorder {
	r, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		return nil
	}
	date := time.Now().UTC().Format(http.TimeFormat)
	if t, err := parseTarget(r); err == nil && authorization == "" {
		authorization = sign(testKey, method, t.resourceType, t.resourceLink, date)
	}
	r.Header.Set("Authorization", authorization)
	r.Header.Set("x-ms-date", date)
	r.Header.Set("x-ms-version", "2020-11-05")
	r.Header.Set("x-ms-documentdb-partitionkey", partition)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}
