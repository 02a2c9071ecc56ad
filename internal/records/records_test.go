package records

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

type account struct {
	*cosmosdb.Server
	endpoint, key    string
	requests         atomic.Int32  // for documents
	accountRequests  atomic.Int32  // for the account document
	accountGate      chan struct{} // the account document is sent when this is closed; nil: immediately
	closeConnections atomic.Bool   // of requests for documents
}

// startEmulator runs an emulator without a database.
func startEmulator(t testing.TB) *account {
	t.Helper()
	secret := make([]byte, 64)
	rand.Read(secret)
	a := &account{key: base64.StdEncoding.EncodeToString(secret)}
	var err error
	if a.Server, err = cosmosdb.Open(filepath.Join(t.TempDir(), "cosmos.db"), a.key); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/docs") {
			a.requests.Add(1)
			if a.closeConnections.Load() {
				panic(http.ErrAbortHandler)
			}
		} else if r.URL.Path == "/" {
			a.accountRequests.Add(1)
			if a.accountGate != nil {
				<-a.accountGate
			}
		}
		a.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		web.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	a.endpoint = web.URL
	return a
}

func (a *account) config() Config { return Config{Endpoint: a.endpoint, Key: a.key} }

func (a *account) provision(t testing.TB) *Container {
	t.Helper()
	if err := a.Provision(Database, ContainerName); err != nil {
		t.Fatal(err)
	}
	return open(t, a.config())
}

func open(t testing.TB, config Config) *Container {
	t.Helper()
	c, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newRecord(t testing.TB) picture.Record {
	t.Helper()
	id := picture.NewID(time.Now(), rand.Text())
	key, err := id.Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.New("bucket", key, "version-1", `"etag"`, 12345, time.Now().Truncate(time.Microsecond))
	if err != nil {
		t.Fatal(err)
	}
	steps := []picture.Step{{Name: picture.PresignStep, Cloud: picture.AWS, Status: picture.StepDone, Attempt: 1}}
	return p.AnnotatedRecord(json.RawMessage(`{"labelAnnotations":[{"description":"Rock & roll","score":0.97000001}]}`), time.Now().Truncate(time.Microsecond), steps, "run-1")
}

func checkEqual(t *testing.T, got, want picture.Record) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got.Annotation, &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want.Annotation, &w); err != nil {
		t.Fatal(err)
	}
	got.Annotation, want.Annotation = nil, nil
	if !reflect.DeepEqual(g, w) || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %v, want %+v %v", got, g, want, w)
	}
}

func TestRecords(t *testing.T) {
	c := startEmulator(t).provision(t)
	ctx := t.Context()

	t.Run("Read_returns_the_created_Record", func(t *testing.T) {
		r := newRecord(t)
		if err := c.Create(ctx, r); err != nil {
			t.Fatal(err)
		}
		got, etag, err := c.Read(ctx, r.ID)
		if err != nil || etag == "" {
			t.Fatal(etag, err)
		}
		checkEqual(t, got, r)
	})
	t.Run("second_Create_fails_and_changes_nothing", func(t *testing.T) {
		r := newRecord(t)
		if err := c.Create(ctx, r); err != nil {
			t.Fatal(err)
		}
		checkError(t, c.Create(ctx, picture.Tombstone(r.ID)), ErrExists, 409)
		got, _, err := c.Read(ctx, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		checkEqual(t, got, r)
	})
	t.Run("Replace_succeeds_once_per_ETag", func(t *testing.T) {
		r := newRecord(t)
		if err := c.Create(ctx, r); err != nil {
			t.Fatal(err)
		}
		_, etag, err := c.Read(ctx, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Replace(ctx, picture.Tombstone(r.ID), etag); err != nil {
			t.Fatal(err)
		}
		checkError(t, c.Replace(ctx, r, etag), ErrChanged, 412)
		got, _, err := c.Read(ctx, r.ID)
		if err != nil || !reflect.DeepEqual(got, picture.Tombstone(r.ID)) {
			t.Errorf("read %+v %v, want the tombstone", got, err)
		}
	})
	t.Run("missing_Record_is_ErrNotFound", func(t *testing.T) {
		r := newRecord(t)
		_, _, err := c.Read(ctx, r.ID)
		checkError(t, err, ErrNotFound, 404)
		checkError(t, c.Replace(ctx, r, "*"), ErrNotFound, 404)
	})
	t.Run("one_of_100_concurrent_Creates_succeeds", func(t *testing.T) {
		r := newRecord(t)
		var group sync.WaitGroup
		var created, refused atomic.Int32
		for range 100 {
			group.Go(func() {
				switch err := c.Create(ctx, r); {
				case err == nil:
					created.Add(1)
				case errors.Is(err, ErrExists):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		group.Wait()
		if created.Load() != 1 || refused.Load() != 99 {
			t.Errorf("%d created, %d refused", created.Load(), refused.Load())
		}
	})
	t.Run("Record_of_MaxSize_bytes_as_sent_fits", func(t *testing.T) {
		r := newRecord(t)
		r.Annotation = nil
		fill := func(size int) {
			// JSON encodes < as six bytes.
			r.Annotation = json.RawMessage(`"<"`)
			item, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			r.Annotation = json.RawMessage(`"<` + strings.Repeat("x", size-len(item)) + `"`)
			if item, err = json.Marshal(r); err != nil || len(item) != size {
				t.Fatalf("%d bytes, want %d: %v", len(item), size, err)
			}
		}
		fill(2<<20 + 1)
		checkError(t, c.Create(ctx, r), nil, 413)
		fill(MaxSize)
		if err := c.Create(ctx, r); err != nil {
			t.Error(err)
		}
	})
}

func checkError(t *testing.T, err, sentinel error, status int) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want status %d", status)
	}
	if sentinel != nil && !errors.Is(err, sentinel) {
		t.Errorf("%v, want %v", err, sentinel)
	}
	if e, ok := errors.AsType[*callError](err); !ok || e.cause != (cause{request, strconv.Itoa(status)}) {
		t.Errorf("%v, want status %d", err, status)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is not one line: %v", err)
	}
}

func BenchmarkCreateAndRead(b *testing.B) {
	c := startEmulator(b).provision(b)
	r := newRecord(b)
	for b.Loop() {
		r.ID = picture.NewID(time.Now(), rand.Text())
		if err := c.Create(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		if _, _, err := c.Read(b.Context(), r.ID); err != nil {
			b.Fatal(err)
		}
	}
}
