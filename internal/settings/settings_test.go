package settings_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"triptych/internal/settings"
)

// parameterStore answers GetParametersByPath as SSM does, a page of one parameter at a time, but what fails is first.
func parameterStore(t *testing.T, parameters map[string]string, names ...string) (fail func(code string, of ...string)) {
	t.Helper()
	failures := map[string][]string{} // codes, by the parameter they come instead of
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
			if codes := failures[name]; len(codes) > 0 {
				failures[name] = codes[1:]
				w.WriteHeader(http.StatusBadRequest)
				json.NewEncoder(w).Encode(map[string]string{"__type": codes[0], "message": "no"})
				return
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
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret",
	} {
		t.Setenv(name, value)
	}
	return func(code string, of ...string) {
		for _, name := range of {
			failures[name] = append(failures[name], code)
		}
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
	t.Run("asks_again_when_SSM_is_busy", func(t *testing.T) {
		fail := parameterStore(t, map[string]string{"/x/worker/A": "1", "/x/worker/B": "2"}, "/x/worker/A", "/x/worker/B")
		fail("ThrottlingException", "/x/worker/A", "/x/worker/B")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/worker/")
		t.Setenv("A", "")
		t.Setenv("B", "")
		if err := settings.Load(t.Context()); err != nil || os.Getenv("A")+os.Getenv("B") != "12" {
			t.Errorf("A=%s B=%s %v", os.Getenv("A"), os.Getenv("B"), err)
		}
	})
	t.Run("lays_nothing_over_the_environment_when_a_part_cannot_be_read_and_says_what_to_allow", func(t *testing.T) {
		fail := parameterStore(t, map[string]string{"/x/worker/A": "1", "/x/worker/B": "2"}, "/x/worker/A", "/x/worker/B")
		fail("AccessDeniedException", "/x/worker/B")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/worker")
		t.Setenv("A", "as it was")
		err := settings.Load(t.Context())
		if err == nil || !strings.Contains(err.Error(), "ssm:GetParametersByPath on /x/worker") || os.Getenv("A") != "as it was" {
			t.Errorf("A=%s %v", os.Getenv("A"), err)
		}
	})
	t.Run("a_path_with_nothing_under_it_is_an_error", func(t *testing.T) {
		parameterStore(t, nil)
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/wroker")
		if err := settings.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "/x/wroker") {
			t.Errorf("answered %v", err)
		}
	})
	t.Run("gives_up_when_there_is_no_more_time", func(t *testing.T) {
		parameterStore(t, nil)
		t.Setenv("AWS_ENDPOINT_URL_SSM", "http://"+silence(t))
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/web")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := settings.Load(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("answered %v", err)
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
		t.Setenv("AWS_MAX_ATTEMPTS", "1")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/web")
		if err := settings.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "/x/web") {
			t.Errorf("answered %v", err)
		}
	})
}

// silence takes connections and says nothing.
func silence(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestRequire(t *testing.T) {
	t.Setenv("TRIPTYCH_A", "")
	t.Setenv("TRIPTYCH_B", "x")
	t.Setenv("TRIPTYCH_C", "")
	t.Run("names_all_that_are_missing", func(t *testing.T) {
		err := settings.Require(os.Getenv, "TRIPTYCH_A", "TRIPTYCH_B", "TRIPTYCH_C")
		if err == nil || !strings.Contains(err.Error(), "TRIPTYCH_A, TRIPTYCH_C ") || strings.Contains(err.Error(), "TRIPTYCH_B") {
			t.Errorf("answered %v", err)
		}
	})
	t.Run("is_content_when_all_are_there", func(t *testing.T) {
		if err := settings.Require(os.Getenv, "TRIPTYCH_B"); err != nil {
			t.Error(err)
		}
	})
}
