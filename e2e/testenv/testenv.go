// Package testenv starts Triptych and its emulators for one test. Errors fail the test, and each request times out
// after two minutes.
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

type Env struct {
	*stack.Stack
	Site     siteclient.Site
	Temporal client.Client
	Records  *records.Container
	Bucket   *s3.Client
}

func Start(t testing.TB, configure ...func(*stack.Config)) *Env {
	t.Helper()
	return Connect(t, stacktest.Start(t, configure...))
}

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

func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Portrait appends the test's name to the JPEG file, so that each test uploads different bytes.
func Portrait(t testing.TB) []byte {
	t.Helper()
	_, source, _, _ := runtime.Caller(0)
	photo, err := os.ReadFile(filepath.Join(filepath.Dir(source), "../../emulators/vision/testdata/astronaut.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	return append(photo, t.Name()...)
}

func (e *Env) RequestGrant(t testing.TB, photo []byte) siteclient.Grant {
	t.Helper()
	g, err := e.Site.RequestGrant(Context(t), photo)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (e *Env) Upload(t testing.TB, photo []byte) siteclient.Grant {
	t.Helper()
	g, err := e.Site.Upload(Context(t), photo)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func Put(t testing.TB, g siteclient.Grant, photo []byte) int {
	t.Helper()
	status, err := g.Put(Context(t), photo)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func (e *Env) Erase(t testing.TB, link, token string) int {
	t.Helper()
	status, err := e.Site.Erase(Context(t), link, token)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func (e *Env) Follow(t testing.TB, link string, onProgress ...func(picture.Progress)) picture.Progress {
	t.Helper()
	final, err := e.Site.Follow(Context(t), link, func(p picture.Progress) {
		for _, f := range onProgress {
			f(p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return final
}

func (e *Env) Record(t testing.TB, id picture.ID) picture.Record {
	t.Helper()
	r, _, err := e.Records.Read(Context(t), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
