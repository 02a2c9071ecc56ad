package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/internal/records"
	"triptych/picture"
)

const bucketOrigin = "http://127.0.0.1:9"

type testSite struct {
	*api
	site     *httptest.Server
	cosmos   *cosmosdb.Server
	temporal *fakeTemporal
}

func newTestLink(createdAt time.Time) link {
	u := uuid.Must(uuid.NewV7())
	binary.BigEndian.PutUint16(u[:], uint16(createdAt.UnixMilli()>>32))
	binary.BigEndian.PutUint32(u[2:], uint32(createdAt.UnixMilli()))
	return testConfig.link(u)
}

var testConfig = config{bucket: "pictures", eraseSecret: []byte("secret"), perDay: 2}

func newOfflineAPI() *api {
	a := &api{
		config: testConfig,
		timing: streamTiming{fast: time.Millisecond, slow: time.Millisecond, idle: time.Millisecond, keepAlive: time.Minute, limit: time.Minute},
		objects: s3.New(s3.Options{
			Region: "eu-central-1", BaseEndpoint: aws.String(bucketOrigin), UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider("AKIALOCAL", "secret", ""),
		}),
	}
	a.countInterval.Do(func() {}) // no further count without an Interval
	return a
}

func newTestSite(t *testing.T, configure ...func(*testSite)) *testSite {
	t.Helper()
	key := base64.StdEncoding.EncodeToString(make([]byte, 64))
	cosmos, err := cosmosdb.Open(filepath.Join(t.TempDir(), "cosmos.db"), key)
	if err != nil {
		t.Fatal(err)
	}
	cosmosServer := httptest.NewServer(cosmos)
	t.Cleanup(func() { cosmosServer.Close(); cosmos.Close() })
	if err := cosmos.Provision(records.Database, records.ContainerName); err != nil {
		t.Fatal(err)
	}
	container, err := records.Open(records.Config{Endpoint: cosmosServer.URL, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	s := &testSite{api: newOfflineAPI(), cosmos: cosmos, temporal: &fakeTemporal{}}
	s.records, s.api.temporal = container, s.temporal.serve(t)
	s.countInterval = rate.Sometimes{Interval: 5 * time.Second}
	s.site = httptest.NewUnstartedServer(nil)
	for _, f := range configure {
		f(s)
	}
	s.site.Config.Handler = s.handler(bucketOrigin)
	s.site.Start()
	t.Cleanup(s.site.Close)
	return s
}

func (s *testSite) store(t *testing.T, record picture.Record) {
	t.Helper()
	if err := s.records.Create(t.Context(), record); err != nil {
		t.Fatal(err)
	}
}

// do does not follow redirects.
func (s *testSite) do(t *testing.T, method, path, body string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.site.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func decodeBody[T any](t *testing.T, resp *http.Response) T {
	t.Helper()
	var v T
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func wantProblem(t *testing.T, resp *http.Response, status int, detail string) {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("%d %.200s: %v", resp.StatusCode, body, err)
	}
	if resp.StatusCode != status || p.Status != status {
		t.Errorf("the response has status %d and the problem has status %d, want %d: %s", resp.StatusCode, p.Status, status, p.Detail)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the content type is %q", got)
	}
	if p.Type != "about:blank" || p.Title != http.StatusText(status) || !strings.HasSuffix(p.Detail, ".") || !strings.Contains(p.Detail, detail) {
		t.Errorf("the problem is %s, want a sentence that contains %q", body, detail)
	}
}
