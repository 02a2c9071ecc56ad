package cosmos

import (
	"bytes"
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

// The signature is Microsoft's own example, from access-control-on-cosmosdb-resources.
func TestAuthorization(t *testing.T) {
	const (
		key       = "dsZQi3KtZmCv1ljt3VNWNm7sQUF1y5rJfC6kv5JiwvW0EndXdDku/dkKBp8/ufDToSxLzR4y+O/0H/t4bQtVNw=="
		date      = "Thu, 27 Apr 2017 00:51:12 GMT"
		signature = "c09PEVJrgp2uQRkr934kFbTqhByc7TVr3OHyqlu+c+c="
	)
	s, err := Open(filepath.Join(t.TempDir(), "cosmos.db"), key)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	signed, err := http.ParseTime(date)
	if err != nil {
		t.Fatal(err)
	}
	good := url.QueryEscape("type=master&ver=1.0&sig=" + signature)
	for _, c := range []struct {
		name, authorization, date string
		now                       time.Time
		want                      int
	}{
		{"a_good_signature_passes", good, date, signed, 404},
		{"a_signature_of_14_minutes_passes", good, date, signed.Add(14 * time.Minute), 404},
		{"a_signature_of_16_minutes_is_403", good, date, signed.Add(16 * time.Minute), 403},
		{"a_signature_from_the_future_is_403", good, date, signed.Add(-7 * time.Minute), 403},
		{"no_authorization_is_401", "", date, signed, 401},
		{"no_date_is_401", good, "", signed, 401},
		{"another_date_is_401", good, "Thu, 27 Apr 2017 00:51:13 GMT", signed, 401},
		{"a_date_in_another_format_is_401", good, "2017-04-27T00:51:12Z", signed, 401},
		{"a_wrong_signature_is_401", url.QueryEscape("type=master&ver=1.0&sig=" + strings.Replace(signature, "c", "d", 1)), date, signed, 401},
		{"a_signature_that_is_not_base64_is_401", url.QueryEscape("type=master&ver=1.0&sig=!"), date, signed, 401},
		{"an_Entra_ID_token_is_401", url.QueryEscape("type=aad&ver=1.0&sig=eyJ0eXAi"), date, signed, 401},
		{"a_bearer_token_is_401", "Bearer eyJ0eXAi", date, signed, 401},
		{"another_version_is_401", url.QueryEscape("type=master&ver=2.0&sig=" + signature), date, signed, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.now = func() time.Time { return c.now }
			r := httptest.NewRequest("GET", "/dbs/ToDoList", nil)
			r.Header.Set("x-ms-version", "2018-12-31")
			r.Header.Set("x-ms-date", c.date)
			r.Header.Set("Authorization", c.authorization)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
			var body struct{ Code, Message string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Code == "" || body.Message == "" {
				t.Errorf("the error body has no code and message: %s", w.Body)
			}
		})
	}
	t.Run("another_key_is_401", func(t *testing.T) {
		w := serve(t)
		_, err := connect(t, w.endpoint, newKey()).CreateDatabase(t.Context(), azcosmos.DatabaseProperties{ID: "db"}, nil)
		want(t, "create", err, http.StatusUnauthorized)
	})
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

// What is missing is named, so that nobody looks for a mistake of their own.
func TestMissing(t *testing.T) {
	w := serve(t)
	items := w.items(t, nil)
	if _, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"a","pk":"p"}`), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		word string
		do   func() error
	}{
		{"a_query_is_501", "queries", func() error {
			_, err := items.NewQueryItemsPager("SELECT * FROM c", pk("p"), nil).NextPage(t.Context())
			return err
		}},
		{"a_patch_is_501", "patching", func() error {
			var p azcosmos.PatchOperations
			p.AppendSet("/label", "cat")
			_, err := items.PatchItem(t.Context(), pk("p"), "a", p, nil)
			return err
		}},
		{"a_batch_is_501", "transactional batches", func() error {
			b := items.NewTransactionalBatch(pk("p"))
			b.CreateItem([]byte(`{"id":"b","pk":"p"}`), nil)
			_, err := items.ExecuteTransactionalBatch(t.Context(), b, nil)
			return err
		}},
		{"throughput_is_501", "throughput offers", func() error {
			_, err := items.ReadThroughput(t.Context(), nil)
			return err
		}},
		{"feed_ranges_are_501", "partition key ranges", func() error {
			_, err := items.ReadFeedRanges(t.Context(), nil)
			return err
		}},
		{"a_trigger_is_501", "triggers", func() error {
			_, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"b","pk":"p"}`), &azcosmos.ItemOptions{PreTriggers: []string{"check"}})
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.do()
			want(t, c.word, err, http.StatusNotImplemented)
			if err == nil || !strings.Contains(err.Error(), "has no "+c.word) {
				t.Errorf("the error does not name %q: %v", c.word, err)
			}
		})
	}
	for path, word := range map[string]string{
		"/dbs": "listing", "/dbs/db/colls": "listing", "/dbs/db/colls/c/docs": "listing",
		"/dbs/db/users": "users", "/dbs/db/colls/c/pkranges": "partition key ranges", "/dbs/db/colls/c/sprocs/s": "stored procedures", "/foo": "listing", "/foo/bar": "GET on",
		"/offers": "throughput offers",
	} {
		t.Run(strings.ReplaceAll(path, "/", "_")+"_is_501", func(t *testing.T) {
			answer, text := w.raw(t, "GET", path, "", nil)
			if answer.StatusCode != 501 || !strings.Contains(text, "has no "+word) {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
		})
	}
	t.Run("HEAD_is_501", func(t *testing.T) {
		if answer, _ := w.raw(t, "HEAD", "/dbs/db", "", nil); answer.StatusCode != 501 {
			t.Errorf("%d", answer.StatusCode)
		}
	})
}

func TestFault(t *testing.T) {
	w := serve(t)
	items := w.items(t, nil)
	create := func(id string) error {
		item := bytes.ReplaceAll([]byte(`{"id":"ID","pk":"p"}`), []byte("ID"), []byte(id))
		_, err := items.CreateItem(t.Context(), pk("p"), item, nil)
		return err
	}
	read := func(id string) error {
		_, err := items.ReadItem(t.Context(), pk("p"), id, nil)
		return err
	}
	t.Run("a_throttle_says_when_to_come_back", func(t *testing.T) {
		w.SetFault(Fault{Status: 429, SubStatus: 3200, RetryAfter: 1234 * time.Millisecond, Times: 1})
		err := create("throttled")
		want(t, "create", err, 429)
		answer, _ := errors.AsType[*azcore.ResponseError](err)
		if got := answer.RawResponse.Header.Get("x-ms-retry-after-ms"); got != "1234" {
			t.Errorf("x-ms-retry-after-ms %q", got)
		}
		if got := answer.RawResponse.Header.Get("x-ms-substatus"); got != "3200" {
			t.Errorf("x-ms-substatus %q", got)
		}
		want(t, "read", read("throttled"), 404)
		want(t, "create once the fault is over", create("throttled"), 0)
	})
	t.Run("a_408_after_it_applied_leaves_the_document", func(t *testing.T) {
		w.SetFault(Fault{Status: 408, AfterApply: true, Times: 1})
		want(t, "create", create("late"), 408)
		want(t, "read", read("late"), 0)
	})
	t.Run("a_cut_after_it_applied_leaves_the_document", func(t *testing.T) {
		w.SetFault(Fault{AfterApply: true, Times: 1})
		want(t, "create", create("cut"), -1)
		want(t, "read", read("cut"), 0)
	})
	t.Run("a_fault_without_Times_lasts_until_it_is_mended", func(t *testing.T) {
		w.SetFault(Fault{Status: 503})
		for range 3 {
			want(t, "create", create("down"), 503)
		}
		w.SetFault(Fault{})
		want(t, "create", create("down"), 0)
	})
	t.Run("a_delay_ends_with_the_caller", func(t *testing.T) {
		w.SetFault(Fault{Delay: time.Hour})
		defer w.SetFault(Fault{})
		r, err := http.NewRequest("POST", w.endpoint+"/dbs", nil)
		if err != nil {
			t.Fatal(err)
		}
		impatient := http.Client{Timeout: 20 * time.Millisecond}
		r.Header.Set("x-ms-date", time.Now().UTC().Format(http.TimeFormat))
		r.Header.Set("Authorization", sign(testKey, "POST", "dbs", "", r.Header.Get("x-ms-date")))
		if answer, err := impatient.Do(r); err == nil {
			answer.Body.Close()
			t.Errorf("answered %d", answer.StatusCode)
		}
	}) // and the cleanup's web.Close would hang if the handler still slept
}
