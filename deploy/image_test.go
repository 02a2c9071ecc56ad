package main

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestImage(t *testing.T) {
	program := bytes.Repeat([]byte("the worker "), 1<<16)
	build := func(t *testing.T, mode os.FileMode, at time.Time) v1.Image {
		t.Helper()
		file := filepath.Join(t.TempDir(), "anything")
		if err := errors.Join(os.WriteFile(file, program, mode), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
		image, err := buildImage(file, []byte("notices"), "arm64")
		if err != nil {
			t.Fatal(err)
		}
		return image
	}
	dir := filepath.Join(t.TempDir(), "worker")
	if err := saveImage(build(t, 0o700, time.Now()), dir); err != nil {
		t.Fatal(err)
	}
	var writes atomic.Int32 // requests that change the registry; atomic because layers are pushed concurrently
	upstream := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			writes.Add(1)
		}
		upstream.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	repository := strings.TrimPrefix(server.URL, "http://") + "/triptych-worker"

	pushed, err := push(t.Context(), dir, repository)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("pushed_image_is_valid_when_pulled_by_digest", func(t *testing.T) {
		image := pull(t, pushed)
		if err := validate.Image(image); err != nil {
			t.Error(err)
		}
		if kind, err := image.MediaType(); err != nil || kind != types.OCIManifestSchema1 {
			t.Errorf("%s, %v", kind, err)
		}
	})
	t.Run("image_runs_the_worker_without_root", func(t *testing.T) {
		config, err := pull(t, pushed).ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.OS+"/"+config.Architecture != "linux/arm64" || config.Config.User != "65532:65532" || !slices.Equal(config.Config.Entrypoint, []string{"/worker"}) {
			t.Errorf("%+v", config)
		}
	})
	t.Run("image_contains_only_the_worker_and_the_notices", func(t *testing.T) {
		files := mutate.Extract(pull(t, pushed))
		defer files.Close()
		archive := tar.NewReader(files)
		for _, want := range []struct {
			name    string
			mode    int64
			content []byte
		}{{"worker", 0o555, program}, {noticesFile, 0o444, []byte("notices")}} {
			file, err := archive.Next()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(archive)
			if err != nil || file.Name != want.name || file.Mode != want.mode || !bytes.Equal(content, want.content) {
				t.Errorf("%s, mode %o, %d bytes: %v", file.Name, file.Mode, len(content), err)
			}
		}
		if more, err := archive.Next(); err != io.EOF {
			t.Errorf("the image also contains %v", more)
		}
	})
	t.Run("same_worker_gives_the_same_image", func(t *testing.T) {
		digest, err := build(t, 0o755, time.Unix(1e9, 0)).Digest()
		if err != nil || !strings.HasSuffix(pushed, "@"+digest.String()) {
			t.Errorf("first image %s, second %s: %v", pushed, digest, err)
		}
	})
	t.Run("second_push_uploads_nothing", func(t *testing.T) {
		if writes.Swap(0) == 0 {
			t.Error("the first push was not counted")
		}
		second, err := push(t.Context(), dir, repository)
		if err != nil || second != pushed || writes.Load() > 0 {
			t.Errorf("%s, %d requests, %v", second, writes.Load(), err)
		}
	})
	t.Run("push_without_a_build_asks_for_make_build", func(t *testing.T) {
		if _, err := push(t.Context(), t.TempDir(), repository); err == nil || !strings.Contains(err.Error(), "make build") {
			t.Errorf("got %v", err)
		}
	})
}

func pull(t *testing.T, image string) v1.Image {
	t.Helper()
	reference, err := name.NewDigest(image)
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(reference, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return pulled
}

func TestECRKeychain(t *testing.T) {
	var requests []string
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r.Header.Get("X-Amz-Target"), r.Header.Get("Authorization"))
		json.NewEncoder(w).Encode(map[string]any{"authorizationData": []any{map[string]any{
			"authorizationToken": base64.StdEncoding.EncodeToString([]byte("AWS:pass:word")),
		}}})
	}))
	t.Cleanup(aws.Close)
	setAWSEnv(t, map[string]string{"AWS_ENDPOINT_URL_ECR": aws.URL})
	resolve := func(t *testing.T, repository string) authn.Authenticator {
		t.Helper()
		r, err := name.NewRepository(repository)
		if err != nil {
			t.Fatal(err)
		}
		credentials, err := ecrKeychain{t.Context()}.Resolve(r)
		if err != nil {
			t.Fatal(err)
		}
		return credentials
	}
	t.Run("other_registry_gets_no_AWS_credentials", func(t *testing.T) {
		for _, other := range []string{"ghcr.io/triptych/worker", "123456789012.dkr.ecr.eu-central-1.amazonaws.com.example.com/worker"} {
			if credentials := resolve(t, other); credentials != authn.Anonymous || len(requests) > 0 {
				t.Errorf("%s: %v, requests to AWS: %v", other, credentials, requests)
			}
		}
	})
	t.Run("ECR_token_is_requested_in_the_registry's_region", func(t *testing.T) {
		credentials, err := resolve(t, "123456789012.dkr.ecr.us-west-2.amazonaws.com/triptych-worker").Authorization()
		if err != nil || credentials.Username != "AWS" || credentials.Password != "pass:word" {
			t.Errorf("%+v, %v", credentials, err)
		}
		if len(requests) != 2 || requests[0] != "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken" || !strings.Contains(requests[1], "/us-west-2/ecr/aws4_request") {
			t.Errorf("requests to AWS: %q", requests)
		}
	})
}

func setAWSEnv(t *testing.T, more map[string]string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIALOCAL", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	for name, value := range more {
		t.Setenv(name, value)
	}
}
