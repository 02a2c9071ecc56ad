// Package testenv starts Triptych and its emulators for one test, and opens clients of them. If an error occurs, the
// package's functions fail the test. Each request waits for at most two minutes.
package testenv

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/client"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/internal/records"
	"triptych/local/stack"
	"triptych/picture"
)

// Env is a running stack of Triptych with clients of the site, Temporal, Cosmos DB and S3.
type Env struct {
	*stack.Stack
	Site     siteclient.Site
	Temporal client.Client
	Records  *records.Container
	Bucket   *s3.Client
}

// Start starts Triptych on free ports with an empty data directory. The functions in `configure` can change the
// configuration.
func Start(t testing.TB, configure ...func(*stack.Config)) *Env {
	t.Helper()
	return Connect(t, stacktest.Start(t, configure...))
}

// Connect opens clients of a stack that is already running.
func Connect(t testing.TB, s *stack.Stack) *Env {
	t.Helper()
	temporal, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(temporal.Close)
	e := s.Endpoints
	container, err := records.Open(records.Config{Endpoint: e.Cosmos, Key: e.CosmosKey})
	if err != nil {
		t.Fatal(err)
	}
	bucket := s3.New(s3.Options{BaseEndpoint: &e.S3, UsePathStyle: true, Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider(e.AccessKey, e.SecretKey, "")})
	return &Env{Stack: s, Site: siteclient.Site(e.Site), Temporal: temporal, Records: container, Bucket: bucket}
}

// Context returns a context that is cancelled when the test ends, and at the latest after two minutes. A call that
// has not returned after two minutes is considered to hang.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Portrait returns a JPEG photograph and, after it, the test's name, so that each test uploads different bytes. JPEG
// decoders ignore bytes after the end of the image.
func Portrait(t testing.TB) []byte {
	t.Helper()
	_, source, _, _ := runtime.Caller(0)
	photo, err := os.ReadFile(filepath.Join(filepath.Dir(source), "../../emulators/vision/testdata/astronaut.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	return append(photo, t.Name()...)
}

// RequestGrant returns a grant for the photo.
func (e *Env) RequestGrant(t testing.TB, photo []byte) siteclient.Grant {
	t.Helper()
	g, err := e.Site.RequestGrant(Context(t), photo)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Upload requests an upload grant for the photo, uploads the photo with this grant, and returns the grant.
func (e *Env) Upload(t testing.TB, photo []byte) siteclient.Grant {
	t.Helper()
	g, err := e.Site.Upload(Context(t), photo)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Put uses the grant g to upload the photo, and returns the HTTP status of the upload.
func Put(t testing.TB, g siteclient.Grant, photo []byte) int {
	t.Helper()
	status, err := g.Put(Context(t), photo)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// Erase requests the erasure of a picture and returns the HTTP status.
func (e *Env) Erase(t testing.TB, id picture.ID, token string) int {
	t.Helper()
	status, err := e.Site.Erase(Context(t), id, token)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// Follow waits until the picture's status is final and returns the final Progress. It calls all functions in
// `onProgress` for each Progress that the site sends.
func (e *Env) Follow(t testing.TB, id picture.ID, onProgress ...func(picture.Progress)) picture.Progress {
	t.Helper()
	final, err := e.Site.Follow(Context(t), id, func(p picture.Progress) {
		for _, f := range onProgress {
			f(p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return final
}

// Record returns the picture's Record. It fails the test if there is none.
func (e *Env) Record(t testing.TB, id picture.ID) picture.Record {
	t.Helper()
	r, _, err := e.Records.Read(Context(t), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
