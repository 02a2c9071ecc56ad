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

type emulator struct {
	*Server
	endpoint string
	client   *azcosmos.Client
}

func newEmulator(t testing.TB) *emulator {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "cosmos.db"), testKey)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		web.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &emulator{s, web.URL, connect(t, web.URL, testKey)}
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

func (e *emulator) newContainer(t testing.TB) *azcosmos.ContainerClient {
	t.Helper()
	if _, err := e.client.CreateDatabase(t.Context(), azcosmos.DatabaseProperties{ID: "db"}, nil); err != nil {
		t.Fatal(err)
	}
	database, err := e.client.NewDatabase("db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := database.CreateContainer(t.Context(), containerProperties("c"), nil); err != nil {
		t.Fatal(err)
	}
	container, err := database.NewContainer("c")
	if err != nil {
		t.Fatal(err)
	}
	return container
}

func containerProperties(id string) azcosmos.ContainerProperties {
	never := int32(-1)
	return azcosmos.ContainerProperties{
		ID: id, DefaultTimeToLive: &never,
		PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/id"}},
	}
}

func partition(id string) azcosmos.PartitionKey { return azcosmos.NewPartitionKeyString(id) }

func item(id string, members ...member) []byte {
	return append(object{{"id", quote(id)}}, members...).encode()
}

// statusOf returns 0 for success, and -1 for an error that is not an HTTP response.
func statusOf(err error) int {
	if err == nil {
		return 0
	}
	if failure, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return failure.StatusCode
	}
	return -1
}

func expectStatus(t *testing.T, operation string, err error, want int) {
	t.Helper()
	if got := statusOf(err); got != want {
		t.Errorf("%s: status %d, want %d: %v", operation, got, want, err)
	}
}

// send sends requests that azcosmos cannot send.
func (e *emulator) send(t *testing.T, method, path, body string, headers map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, e.endpoint+path, strings.NewReader(body))
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
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func sign(key, method, resourceType, link, date string) string {
	secret, _ := base64.StdEncoding.DecodeString(key)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(strings.ToLower(method) + "\n" + resourceType + "\n" + link + "\n" + strings.ToLower(date) + "\n\n"))
	return url.QueryEscape("type=master&ver=1.0&sig=" + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cosmos.db")
	t.Run("key_that_is_not_base64_is_refused", func(t *testing.T) {
		if _, err := Open(path, "not base64!"); err == nil {
			t.Error("Open succeeded")
		}
	})
	t.Run("second_server_on_the_same_file_is_refused", func(t *testing.T) {
		s, err := Open(path, testKey)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := Open(path, testKey); err == nil || !strings.Contains(err.Error(), "in use by another process") {
			t.Errorf("second Open: %v", err)
		}
	})
	t.Run("closed_server_responds_with_503", func(t *testing.T) {
		e := newEmulator(t)
		items := e.newContainer(t)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := items.CreateItem(t.Context(), partition("a"), item("a"), nil)
		expectStatus(t, "create", err, http.StatusServiceUnavailable)
	})
}

func TestAccountLocationIsTheRequestsHost(t *testing.T) {
	e := newEmulator(t)
	_, text := e.send(t, "GET", "/", "", map[string]string{"Host": "ignored"})
	var account struct {
		WritableLocations []struct{ DatabaseAccountEndpoint string }
	}
	if err := json.Unmarshal([]byte(text), &account); err != nil {
		t.Fatal(err)
	}
	if l := account.WritableLocations; len(l) != 1 || l[0].DatabaseAccountEndpoint != e.endpoint+"/" {
		t.Errorf("writable locations %v, want the host of the request, %s/", l, e.endpoint)
	}
}

func TestHeaders(t *testing.T) {
	e := newEmulator(t)
	items := e.newContainer(t)
	t.Run("response_to_a_create_has_charge_session_and_etag", func(t *testing.T) {
		created, err := items.CreateItem(t.Context(), partition("a"), item("a"), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"x-ms-request-charge", "x-ms-session-token", "x-ms-activity-id", "lsn", "etag"} {
			if created.RawResponse.Header.Get(name) == "" {
				t.Errorf("the header %s is missing", name)
			}
		}
		if created.RequestCharge < 5 {
			t.Errorf("a create costs %v RU, want at least 5", created.RequestCharge)
		}
	})
	t.Run("request_without_x-ms-version_is_400", func(t *testing.T) {
		res, text := e.send(t, "GET", "/dbs/db", "", map[string]string{"x-ms-version": ""})
		if res.StatusCode != 400 || !strings.Contains(text, "x-ms-version") {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
}
