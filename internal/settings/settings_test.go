package settings_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"triptych/internal/settings"
)

// parameterStore answers GetParametersByPath as SSM does, a page of one parameter at a time.
func parameterStore(t *testing.T, parameters map[string]string, names ...string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Path           string
			WithDecryption bool
			NextToken      string
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !in.WithDecryption ||
			r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParametersByPath" {
			http.Error(w, `{"__type":"ValidationException"}`, http.StatusBadRequest)
			return
		}
		page := map[string]any{"Parameters": []any{}}
		for i, name := range names {
			if in.NextToken != "" && in.NextToken != name || !strings.HasPrefix(name, in.Path) {
				continue
			}
			page["Parameters"] = []any{map[string]string{"Name": name, "Value": parameters[name]}}
			if i+1 < len(names) {
				page["NextToken"] = names[i+1]
			}
			break
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if err := json.NewEncoder(w).Encode(page); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SSM": server.URL, "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(name, value)
	}
}

func TestLoad(t *testing.T) {
	t.Run("lays_every_parameter_under_the_path_over_the_environment", func(t *testing.T) {
		parameterStore(t, map[string]string{"/x/worker/COSMOS_KEY": "from SSM", "/x/worker/TRIPTYCH_BUCKET": "b"},
			"/x/worker/COSMOS_KEY", "/x/worker/TRIPTYCH_BUCKET")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/worker")
		t.Setenv("COSMOS_KEY", "from the environment")
		t.Setenv("TRIPTYCH_BUCKET", "")
		if err := settings.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if key, bucket := os.Getenv("COSMOS_KEY"), os.Getenv("TRIPTYCH_BUCKET"); key != "from SSM" || bucket != "b" {
			t.Errorf("COSMOS_KEY=%s TRIPTYCH_BUCKET=%s", key, bucket)
		}
	})
	t.Run("does_nothing_without_a_path", func(t *testing.T) {
		t.Setenv("TRIPTYCH_SSM_PATH", "")
		t.Setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")
		if err := settings.Load(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("says_which_path_could_not_be_read", func(t *testing.T) {
		parameterStore(t, nil)
		t.Setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/web")
		if err := settings.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "/x/web") {
			t.Errorf("answered %v", err)
		}
	})
}

func TestRequire(t *testing.T) {
	t.Setenv("TRIPTYCH_A", "")
	t.Setenv("TRIPTYCH_B", "x")
	t.Setenv("TRIPTYCH_C", "")
	t.Run("names_all_that_are_missing", func(t *testing.T) {
		err := settings.Require("TRIPTYCH_A", "TRIPTYCH_B", "TRIPTYCH_C")
		if err == nil || !strings.Contains(err.Error(), "TRIPTYCH_A, TRIPTYCH_C ") || strings.Contains(err.Error(), "TRIPTYCH_B") {
			t.Errorf("answered %v", err)
		}
	})
	t.Run("is_content_when_all_are_there", func(t *testing.T) {
		if err := settings.Require("TRIPTYCH_B"); err != nil {
			t.Error(err)
		}
	})
}
