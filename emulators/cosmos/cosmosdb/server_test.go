package cosmosdb

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

var testKey = newKey()

func newKey() string {
	secret := make([]byte, 64)
	rand.Read(secret)
	return base64.StdEncoding.EncodeToString(secret)
}

// world is a server on loopback, the official client of it, and a clock that a test may put forward.
type world struct {
	*Server
	endpoint string
	client   *azcosmos.Client
	ahead    atomic.Int64 // nanoseconds the server's clock is ahead
}

func serve(t testing.TB) *world {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "cosmos.db"), testKey)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Server: s}
	s.now = func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		web.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w.endpoint = web.URL
	w.client = connect(t, web.URL, testKey)
	return w
}

func connect(t testing.TB, endpoint, key string) *azcosmos.Client {
	t.Helper()
	credential, err := azcosmos.NewKeyCredential(key)
	if err != nil {
		t.Fatal(err)
	}
	options := &azcosmos.ClientOptions{ClientOptions: azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}}}
	client, err := azcosmos.NewClientWithKey(endpoint, credential, options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// items makes a database and a container with partition key /pk, and time-to-live as given.
func (w *world) items(t testing.TB, ttl *int32) *azcosmos.ContainerClient {
	t.Helper()
	if _, err := w.client.CreateDatabase(t.Context(), azcosmos.DatabaseProperties{ID: "db"}, nil); err != nil {
		t.Fatal(err)
	}
	database, err := w.client.NewDatabase("db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := database.CreateContainer(t.Context(), containerOf("c", ttl), nil); err != nil {
		t.Fatal(err)
	}
	container, err := database.NewContainer("c")
	if err != nil {
		t.Fatal(err)
	}
	return container
}

func containerOf(id string, ttl *int32) azcosmos.ContainerProperties {
	return azcosmos.ContainerProperties{
		ID: id, DefaultTimeToLive: ttl,
		PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/pk"}},
	}
}

func pk(value string) azcosmos.PartitionKey { return azcosmos.NewPartitionKeyString(value) }

// status is what Azure would have answered: 0 for success, -1 for something that is no answer.
func status(err error) int {
	if err == nil {
		return 0
	}
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return answer.StatusCode
	}
	return -1
}

func want(t *testing.T, what string, err error, code int) {
	t.Helper()
	if got := status(err); got != code {
		t.Errorf("%s: status %d, want %d: %v", what, got, code, err)
	}
}

// raw sends a signed request that azcosmos would not send.
func (w *world) raw(t *testing.T, method, path, body string, headers map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("x-ms-version", "2020-11-05")
	r.Header.Set("x-ms-date", time.Now().UTC().Format(http.TimeFormat))
	target, err := parseTarget(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", sign(testKey, method, target.resourceType, target.resourceLink, r.Header.Get("x-ms-date")))
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func sign(key, method, resourceType, link, date string) string {
	secret, _ := base64.StdEncoding.DecodeString(key)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(strings.ToLower(method) + "\n" + resourceType + "\n" + link + "\n" + strings.ToLower(date) + "\n\n"))
	return url.QueryEscape("type=master&ver=1.0&sig=" + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cosmos.db")
	t.Run("a_key_that_is_not_base64_is_refused", func(t *testing.T) {
		if _, err := Open(path, "not base64!"); err == nil {
			t.Error("opened")
		}
	})
	t.Run("a_second_server_on_one_file_is_refused", func(t *testing.T) {
		s, err := Open(path, testKey)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := Open(path, testKey); err == nil || !strings.Contains(err.Error(), "in use by another process") {
			t.Errorf("second Open: %v", err)
		}
	})
	t.Run("a_closed_server_answers_503", func(t *testing.T) {
		w := serve(t)
		items := w.items(t, nil)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"a","pk":"p"}`), nil)
		want(t, "create", err, http.StatusServiceUnavailable)
	})
}

func TestAccount(t *testing.T) {
	w := serve(t)
	_, text := w.raw(t, "GET", "/", "", map[string]string{"Host": "ignored"})
	var account struct {
		WritableLocations []struct{ DatabaseAccountEndpoint string }
	}
	if err := json.Unmarshal([]byte(text), &account); err != nil {
		t.Fatal(err)
	}
	if l := account.WritableLocations; len(l) != 1 || l[0].DatabaseAccountEndpoint != w.endpoint+"/" {
		t.Errorf("writable locations %v, want the host that was asked, %s/", l, w.endpoint)
	}
}

func TestHeaders(t *testing.T) {
	w := serve(t)
	items := w.items(t, nil)
	answer, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"a","pk":"p"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x-ms-request-charge", "x-ms-session-token", "x-ms-activity-id", "lsn", "etag"} {
		if answer.RawResponse.Header.Get(name) == "" {
			t.Errorf("no header %s", name)
		}
	}
	if answer.RequestCharge < 5 {
		t.Errorf("a create costs %v RU, want 5 and more", answer.RequestCharge)
	}
	t.Run("no_x-ms-version_is_400", func(t *testing.T) {
		answer, text := w.raw(t, "GET", "/dbs/db", "", map[string]string{"x-ms-version": ""})
		if answer.StatusCode != 400 || !strings.Contains(text, "x-ms-version") {
			t.Errorf("%d %s", answer.StatusCode, text)
		}
	})
}
