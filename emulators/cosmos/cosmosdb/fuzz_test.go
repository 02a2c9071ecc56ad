package cosmosdb

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func FuzzDocument(f *testing.F) {
	for _, seed := range []struct{ id, body string }{
		{"a", `{"id":"a","faces":[{"x":1.5e3}],"_etag":"x","_ts":1}`},
		{"..", `{"id":"..","a":{"a":{"a":null}},"":"","é":"\u00e9"}`},
		{"%2F", `{"id":"%2F","n":12345678901234567890.12345678901234567890}`},
		{" \u2028<&>", `{"id":"` + " \u2028<&>" + `","a":"\u0000\ud83d\ude00"}`},
		{"x", `{"id":"x","id":"y"}`}, {"ttl", `{"id":"ttl","ttl":1}`}, {"b", `[]`}, {"", ``},
	} {
		f.Add(seed.id, seed.body)
	}
	s, err := Open(filepath.Join(f.TempDir(), "cosmos.db"), testKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	s.db.NoSync = true // faster; the test does not need durable data
	if err := s.Provision("db", "c"); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, body string) {
		const documents = "/dbs/db/colls/c/docs"
		partition := "[" + string(quote(id)) + "]"
		created := serveRequest(s, http.MethodPost, documents, "", partition, body)
		if created.Code == http.StatusConflict {
			t.Skip("the document exists")
		}
		if created.Code != http.StatusCreated {
			if created.Code < 400 || created.Code > 501 || created.Code == http.StatusInternalServerError || !json.Valid(created.Body.Bytes()) {
				t.Errorf("%q: status %d: %s", body, created.Code, created.Body)
			}
			return
		}
		path := documents + "/" + url.PathEscape(id)
		read := serveRequest(s, http.MethodGet, path, "", partition, "")
		if read.Code != http.StatusOK || read.Body.String() != created.Body.String() || read.Header().Get("etag") != created.Header().Get("etag") {
			t.Fatalf("created %s %s, read %d %s", created.Header().Get("etag"), created.Body, read.Code, read.Body)
		}
		if sent, got := userMembers(t, body), userMembers(t, read.Body.String()); !reflect.DeepEqual(sent, got) {
			t.Errorf("sent %q, got %q", sent, got)
		}
		if other := serveRequest(s, http.MethodGet, path, "", "["+string(quote(id+"x"))+"]", ""); other.Code != http.StatusNotFound {
			t.Errorf("another partition has the document: %d %s", other.Code, other.Body)
		}
	})
}

func userMembers(t *testing.T, text string) (members map[string]any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	for _, name := range systemProperties {
		delete(members, name)
	}
	return members
}
