package local

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/picture"
)

// These files contain keys, so only their owner may read them.
var keyFiles = []string{"identity.json", "endpoints.json"}

func TestCanary(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)
	secrets := readKeys(t, env)
	for _, scenario := range []struct {
		name   string
		upload func(*testing.T, *testenv.Env) siteclient.Grant
	}{
		{"all_clouds_slow", uploadToSlowClouds},
		{"all_clouds_down", func(t *testing.T, env *testenv.Env) siteclient.Grant { return uploadThroughFaults(t, env, "down") }},
		{"all_clouds_throttle", func(t *testing.T, env *testenv.Env) siteclient.Grant { return uploadThroughFaults(t, env, "throttle") }},
		{"Temporal_down", uploadWithoutTemporal},
		{"every_program_killed", uploadToKilledPrograms},
	} {
		name, g := scenario.name, scenario.upload(t, env)
		if final := env.Follow(t, g.Link); final.Status != picture.Annotated {
			t.Fatalf("%s: final status %s", name, final.Status)
		}
		secrets[name+": erase token"], secrets[name+": link ID"] = []byte(g.EraseToken), []byte(g.Link)
		secrets[name+": signature of the upload"] = []byte(signature(t, g.Upload.URL))
		secrets[name+": signature of the image"] = []byte(signature(t, imageURL(t, env, g)))
	}
	erased := env.Upload(t, testenv.Portrait(t))
	env.Follow(t, erased.Link)
	secrets["used erase token"], secrets["refused erase token"] = []byte(erased.EraseToken), []byte(strings.Repeat("refused", 7))
	if status := env.Erase(t, erased.Link, string(secrets["refused erase token"])); status != http.StatusForbidden {
		t.Errorf("a wrong erase token returned status %d", status)
	}
	if status := env.Erase(t, erased.Link, erased.EraseToken); status != http.StatusAccepted {
		t.Errorf("the erasure returned status %d", status)
	}
	tombstoned := func(context.Context) bool { return env.Follow(t, erased.Link).Status == picture.Erased }
	if !stacktest.Eventually(t, tombstoned) {
		t.Error("the picture was not erased")
	}

	files := testenv.ReadFiles(t, env.Dir())
	t.Run("files_of_all_parts_were_searched", func(t *testing.T) {
		for _, name := range []string{
			"identity.json", "endpoints.json", "temporal.toml", "temporal/visibility/visibility.db", "cosmos.db", "lambda/queue.db",
			"logs/temporal.log", "logs/worker.log", "logs/web.log", "logs/trigger.log", "logs/s3.log", "logs/codec.log", "logs/vision.log",
		} {
			if _, ok := files[name]; !ok {
				t.Errorf("%s does not exist", name)
			}
		}
		if !containsBelow(files, "temporal/store/", []byte("binary/encrypted")) {
			t.Error("Temporal's database contains no payload")
		}
		if !bytes.Contains(files["cosmos.db"], []byte("faceAnnotations")) {
			t.Error("Cosmos DB's file contains no annotation")
		}
	})
	t.Run("keys_tokens_and_signatures_are_in_no_file_except_the_key_files", func(t *testing.T) {
		for name, content := range files {
			if slices.Contains(keyFiles, name) {
				continue
			}
			for secret, value := range secrets {
				if bytes.Contains(content, value) {
					t.Errorf("%s contains the %s", name, secret)
				}
			}
			if found := anySignature.Find(content); found != nil {
				t.Errorf("%s contains %.60s", name, found)
			}
		}
	})
	t.Run("faces_and_expressions_are_only_in_Cosmos_DBs_file", func(t *testing.T) {
		for name, content := range files {
			if found := anyFace.Find(content); found != nil && name != "cosmos.db" {
				t.Errorf("%s contains %s", name, found)
			}
		}
	})
	t.Run("key_files_are_readable_only_by_their_owner", func(t *testing.T) {
		for _, name := range keyFiles {
			info, err := os.Stat(filepath.Join(env.Dir(), name))
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", name, info.Mode())
			}
		}
	})
}

var (
	anySignature = regexp.MustCompile(`(?i)X-Amz-Signature(=|%3D|%253D)[0-9a-f]{8}`)
	anyFace      = regexp.MustCompile(`(?i)faceAnnotations|likelihood|landmark|VERY_(UN)?LIKELY`)
)

func readKeys(t *testing.T, env *testenv.Env) map[string][]byte {
	t.Helper()
	var identity map[string]any
	b, err := os.ReadFile(filepath.Join(env.Dir(), "identity.json"))
	if err == nil {
		err = json.Unmarshal(b, &identity)
	}
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string][]byte{}
	for _, name := range []string{"accessKey", "secretKey", "cosmosKey", "eraseSecret", "payloadKeys"} {
		value, _ := identity[name].(string)
		value = strings.TrimPrefix(value, "local:")
		if len(value) < 16 {
			t.Fatalf("%s is missing", name)
		}
		keys[name] = []byte(value)
		if binary, err := base64.StdEncoding.DecodeString(value); err == nil && len(binary) >= 32 {
			keys[name+" in binary form"] = binary
		}
	}
	return keys
}

func signature(t *testing.T, signed string) string {
	t.Helper()
	u, err := url.Parse(signed)
	if err != nil || len(u.Query().Get("X-Amz-Signature")) != 64 {
		t.Fatalf("%s has no signature: %v", signed, err)
	}
	return u.Query().Get("X-Amz-Signature")
}

func imageURL(t *testing.T, env *testenv.Env, g siteclient.Grant) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env.Endpoints.Site+"/api/pictures/"+g.Link+"/image", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req) // does not follow the redirect
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.Header.Get("Location")
}

func uploadThroughFaults(t *testing.T, env *testenv.Env, fault string) siteclient.Grant {
	t.Helper()
	setFault(t, env, "google", fault)
	setFault(t, env, "azure", "none")
	g := env.Upload(t, testenv.Portrait(t))
	waiting := []struct {
		step  int
		cloud picture.Cloud
		end   func()
	}{
		{1, picture.Google, func() {
			setFault(t, env, "aws", fault) // Google cannot fetch the picture
			setFault(t, env, "google", "none")
		}},
		{1, picture.AWS, func() {
			setFault(t, env, "azure", fault)
			setFault(t, env, "aws", "none")
		}},
		{2, picture.Azure, func() { setFault(t, env, "azure", "none") }},
	}
	env.Follow(t, g.Link, func(p picture.Progress) {
		if len(waiting) == 0 {
			return
		}
		if step := p.Steps[waiting[0].step]; step.Status == picture.StepRetrying && step.WaitingFor == waiting[0].cloud {
			waiting[0].end()
			waiting = waiting[1:]
		}
	})
	if len(waiting) > 0 {
		t.Errorf("the picture did not wait for %s", waiting[0].cloud)
	}
	return g
}

func uploadToSlowClouds(t *testing.T, env *testenv.Env) siteclient.Grant {
	t.Helper()
	for _, cloud := range []string{"aws", "google", "azure"} {
		setFault(t, env, cloud, "slow")
	}
	g := env.Upload(t, testenv.Portrait(t))
	env.Follow(t, g.Link)
	for _, cloud := range []string{"aws", "google", "azure"} {
		setFault(t, env, cloud, "none")
	}
	return g
}

func uploadWithoutTemporal(t *testing.T, env *testenv.Env) siteclient.Grant {
	t.Helper()
	setFault(t, env, "temporal", "down")
	g := env.Upload(t, testenv.Portrait(t))
	if status := env.Erase(t, g.Link, g.EraseToken); status != http.StatusServiceUnavailable {
		t.Errorf("an erasure without Temporal returned status %d", status)
	}
	setFault(t, env, "temporal", "none")
	return g
}

func uploadToKilledPrograms(t *testing.T, env *testenv.Env) siteclient.Grant {
	t.Helper()
	setFault(t, env, "google", "down")
	g := env.Upload(t, testenv.Portrait(t))
	killed := false
	env.Follow(t, g.Link, func(p picture.Progress) {
		if !killed && p.Steps[1].Status == picture.StepRetrying {
			killed = true
			for _, program := range []string{"worker", "temporal", "s3", "codec", "web"} {
				if err := env.Signal(program, syscall.SIGKILL); err != nil {
					t.Error(err)
				}
			}
			setFault(t, env, "google", "none")
		}
	})
	return g
}

func containsBelow(files map[string][]byte, dir string, part []byte) bool {
	for name, content := range files {
		if strings.HasPrefix(name, dir) && bytes.Contains(content, part) {
			return true
		}
	}
	return false
}
