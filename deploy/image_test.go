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
	built := func(t *testing.T, mode os.FileMode, at time.Time) v1.Image {
		t.Helper()
		file := filepath.Join(t.TempDir(), "anything")
		if err := errors.Join(os.WriteFile(file, program, mode), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
		image, err := imageOf(file, "arm64")
		if err != nil {
			t.Fatal(err)
		}
		return image
	}
	dir := filepath.Join(t.TempDir(), "worker")
	if err := save(built(t, 0o700, time.Now()), dir); err != nil {
		t.Fatal(err)
	}
	var written atomic.Int32 // requests that change the registry; layers are pushed side by side
	hub := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			written.Add(1)
		}
		hub.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	repository := strings.TrimPrefix(server.URL, "http://") + "/triptych-worker"

	pushed, err := push(t.Context(), dir, repository)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("what_was_pushed_is_pulled_again_by_digest_and_is_sound", func(t *testing.T) {
		image := pull(t, pushed)
		if err := validate.Image(image); err != nil {
			t.Error(err)
		}
		if kind, err := image.MediaType(); err != nil || kind != types.OCIManifestSchema1 {
			t.Errorf("%s, %v", kind, err)
		}
	})
	t.Run("it_runs_the_worker_and_not_as_root", func(t *testing.T) {
		config, err := pull(t, pushed).ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.OS+"/"+config.Architecture != "linux/arm64" || config.Config.User != "65532:65532" || !slices.Equal(config.Config.Entrypoint, []string{"/worker"}) {
			t.Errorf("%+v", config)
		}
	})
	t.Run("it_holds_the_worker_and_nothing_else", func(t *testing.T) {
		files := mutate.Extract(pull(t, pushed))
		defer files.Close()
		archive := tar.NewReader(files)
		file, err := archive.Next()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil || file.Name != "worker" || file.Mode != 0o555 || !bytes.Equal(content, program) {
			t.Errorf("%s, mode %o, %d bytes: %v", file.Name, file.Mode, len(content), err)
		}
		if more, err := archive.Next(); err != io.EOF {
			t.Errorf("there is also %v", more)
		}
	})
	t.Run("the_same_worker_is_the_same_image", func(t *testing.T) {
		digest, err := built(t, 0o755, time.Unix(1e9, 0)).Digest()
		if err != nil || !strings.HasSuffix(pushed, "@"+digest.String()) {
			t.Errorf("%s, and then %s: %v", pushed, digest, err)
		}
	})
	t.Run("pushing_it_again_sends_nothing", func(t *testing.T) {
		if written.Swap(0) == 0 {
			t.Error("the first time was not seen to send anything")
		}
		again, err := push(t.Context(), dir, repository)
		if err != nil || again != pushed || written.Load() > 0 {
			t.Errorf("%s, %d requests, %v", again, written.Load(), err)
		}
	})
	t.Run("without_a_build_it_says_what_to_do", func(t *testing.T) {
		if _, err := push(t.Context(), t.TempDir(), repository); err == nil || !strings.Contains(err.Error(), "make build") {
			t.Errorf("answered %v", err)
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
	var asked []string
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("X-Amz-Target"), r.Header.Get("Authorization"))
		json.NewEncoder(w).Encode(map[string]any{"authorizationData": []any{map[string]any{
			"authorizationToken": base64.StdEncoding.EncodeToString([]byte("AWS:pass:word")),
		}}})
	}))
	t.Cleanup(aws.Close)
	inAWS(t, map[string]string{"AWS_ENDPOINT_URL_ECR": aws.URL})
	resolve := func(t *testing.T, repository string) authn.Authenticator {
		t.Helper()
		r, err := name.NewRepository(repository)
		if err != nil {
			t.Fatal(err)
		}
		opens, err := ecrKeychain{t.Context()}.Resolve(r)
		if err != nil {
			t.Fatal(err)
		}
		return opens
	}
	t.Run("another_registry_is_not_AWS's_business", func(t *testing.T) {
		for _, other := range []string{"ghcr.io/triptych/worker", "123456789012.dkr.ecr.eu-central-1.amazonaws.com.example.com/worker"} {
			if opens := resolve(t, other); opens != authn.Anonymous || len(asked) > 0 {
				t.Errorf("%s: %v, and AWS was asked %v", other, opens, asked)
			}
		}
	})
	t.Run("AWS's_registry_opens_to_AWS_credentials_in_its_own_region", func(t *testing.T) {
		opens, err := resolve(t, "123456789012.dkr.ecr.us-west-2.amazonaws.com/triptych-worker").Authorization()
		if err != nil || opens.Username != "AWS" || opens.Password != "pass:word" {
			t.Errorf("%+v, %v", opens, err)
		}
		if len(asked) != 2 || asked[0] != "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken" || !strings.Contains(asked[1], "/us-west-2/ecr/aws4_request") {
			t.Errorf("AWS was asked %q", asked)
		}
	})
}

// inAWS gives this process AWS credentials, and more of its settings.
func inAWS(t *testing.T, more map[string]string) {
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
