package settings_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"

	"triptych/internal/settings"
)

func newParameterStore(t *testing.T, parameters map[string]string, names ...string) (inject func(code string, names ...string)) {
	t.Helper()
	failures := map[string][]string{} // parameter name to error codes
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
	return func(code string, names ...string) {
		for _, name := range names {
			failures[name] = append(failures[name], code)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Run("each_parameter_overrides_its_environment_variable", func(t *testing.T) {
		newParameterStore(t, map[string]string{"/x/worker/COSMOS_KEY": "from SSM", "/x/worker/TRIPTYCH_BUCKET": "b"},
			"/x/worker/COSMOS_KEY", "/x/worker/TRIPTYCH_BUCKET")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/worker")
		t.Setenv("COSMOS_KEY", "from the environment")
		t.Setenv("TRIPTYCH_BUCKET", "")
		if _, err := settings.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if key, bucket := os.Getenv("COSMOS_KEY"), os.Getenv("TRIPTYCH_BUCKET"); key != "from SSM" || bucket != "b" {
			t.Errorf("COSMOS_KEY=%s TRIPTYCH_BUCKET=%s", key, bucket)
		}
	})
	t.Run("parameters_of_all_paths_are_read", func(t *testing.T) {
		newParameterStore(t, map[string]string{"/x/worker/A": "own", "/x/shared/B": "shared"}, "/x/worker/A", "/x/shared/B")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/worker,/x/shared")
		t.Setenv("A", "")
		t.Setenv("B", "")
		if _, err := settings.Load(t.Context()); err != nil || os.Getenv("A") != "own" || os.Getenv("B") != "shared" {
			t.Errorf("A=%s B=%s %v", os.Getenv("A"), os.Getenv("B"), err)
		}
	})
	t.Run("one_path_without_parameters_is_an_error_that_names_it", func(t *testing.T) {
		newParameterStore(t, map[string]string{"/x/worker/A": "1"}, "/x/worker/A")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/worker,/x/sharde")
		t.Setenv("A", "unchanged")
		if _, err := settings.Load(t.Context()); !errors.Is(err, settings.ErrSSM) || !strings.Contains(err.Error(), "/x/sharde") || os.Getenv("A") != "unchanged" {
			t.Errorf("A=%s %v", os.Getenv("A"), err)
		}
	})
	t.Run("throttled_requests_are_repeated", func(t *testing.T) {
		inject := newParameterStore(t, map[string]string{"/x/worker/A": "1", "/x/worker/B": "2"}, "/x/worker/A", "/x/worker/B")
		inject("ThrottlingException", "/x/worker/A", "/x/worker/B")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/worker/")
		t.Setenv("A", "")
		t.Setenv("B", "")
		if _, err := settings.Load(t.Context()); err != nil || os.Getenv("A")+os.Getenv("B") != "12" {
			t.Errorf("A=%s B=%s %v", os.Getenv("A"), os.Getenv("B"), err)
		}
	})
	t.Run("denied_access_changes_nothing_and_names_the_missing_permission", func(t *testing.T) {
		inject := newParameterStore(t, map[string]string{"/x/worker/A": "1", "/x/worker/B": "2"}, "/x/worker/A", "/x/worker/B")
		inject("AccessDeniedException", "/x/worker/B")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/worker")
		t.Setenv("A", "unchanged")
		_, err := settings.Load(t.Context())
		if !errors.Is(err, settings.ErrSSM) || !strings.Contains(err.Error(), "ssm:GetParametersByPath on /x/worker") || os.Getenv("A") != "unchanged" {
			t.Errorf("A=%s %v", os.Getenv("A"), err)
		}
	})
	t.Run("path_without_parameters_is_an_error", func(t *testing.T) {
		newParameterStore(t, nil)
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/wroker")
		if _, err := settings.Load(t.Context()); !errors.Is(err, settings.ErrSSM) || !strings.Contains(err.Error(), "/x/wroker") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("unresponsive_SSM_fails_at_the_deadline", func(t *testing.T) {
		newParameterStore(t, nil)
		t.Setenv("AWS_ENDPOINT_URL_SSM", "http://"+startSilentServer(t))
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/web")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := settings.Load(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("missing_path_changes_nothing", func(t *testing.T) {
		t.Setenv("TRIPTYCH_SSM_PATH", "")
		t.Setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")
		if _, err := settings.Load(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("wrong_Temporal_setting_is_not_an_error_of_SSM", func(t *testing.T) {
		newParameterStore(t, map[string]string{"/x/web/TEMPORAL_TLS_CLIENT_CERT_PATH": "/missing"}, "/x/web/TEMPORAL_TLS_CLIENT_CERT_PATH")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/web")
		t.Setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", "")
		if _, err := settings.Load(t.Context()); err == nil || errors.Is(err, settings.ErrSSM) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("unreachable_SSM_is_an_error_that_names_the_path", func(t *testing.T) {
		newParameterStore(t, nil)
		t.Setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")
		t.Setenv("AWS_MAX_ATTEMPTS", "1")
		t.Setenv("TRIPTYCH_SSM_PATH", "/x/web")
		if _, err := settings.Load(t.Context()); !errors.Is(err, settings.ErrSSM) || !strings.Contains(err.Error(), "/x/web") {
			t.Errorf("the error is %v", err)
		}
	})
}

func startSilentServer(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestRequire(t *testing.T) {
	s := settings.Settings{Getenv: func(name string) string { return map[string]string{"TRIPTYCH_B": "x"}[name] }}
	t.Run("missing_variables_are_all_named", func(t *testing.T) {
		err := s.Require("TRIPTYCH_A", "TRIPTYCH_B", "TRIPTYCH_C")
		if err == nil || !strings.Contains(err.Error(), "TRIPTYCH_A, TRIPTYCH_C ") || strings.Contains(err.Error(), "TRIPTYCH_B") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("complete_variables_are_no_error", func(t *testing.T) {
		if err := s.Require("TRIPTYCH_B"); err != nil {
			t.Error(err)
		}
	})
}

func TestAnnotationsPerDay(t *testing.T) {
	read := func(value string) (int, error) {
		return settings.Settings{Getenv: func(string) string { return value }}.AnnotationsPerDay()
	}
	for value, want := range map[string]int{"": 1000, "0": 0, "1": 1, "1000000": 1_000_000} {
		t.Run(value+"_is_accepted", func(t *testing.T) {
			if got, err := read(value); err != nil || got != want {
				t.Errorf("%d, %v, want %d", got, err, want)
			}
		})
	}
	for _, value := range []string{"-1", "1.5", "1,000", "1e3", " 1", "none", "99999999999999999999"} {
		t.Run(value+"_is_refused", func(t *testing.T) {
			if got, err := read(value); err == nil || !strings.Contains(err.Error(), "TRIPTYCH_ANNOTATIONS_PER_DAY") {
				t.Errorf("%d, %v, want an error that names the setting", got, err)
			}
		})
	}
}

func TestBucket(t *testing.T) {
	read := func(value string) (string, error) {
		return settings.Settings{Getenv: func(string) string { return value }}.Bucket()
	}
	for _, value := range []string{"pictures", "my.pictures-1", "a1b", strings.Repeat("a", 63)} {
		t.Run(value+"_is_accepted", func(t *testing.T) {
			if got, err := read(value); err != nil || got != value {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	for _, value := range []string{"", " ", "ab", "pictures ", "Pictures", "my_pictures", "-pictures", "s3://pictures", "arn:aws:s3:::pictures", "pictures/me", "pictures\n", strings.Repeat("a", 64)} {
		t.Run(value+"_is_refused", func(t *testing.T) {
			if got, err := read(value); err == nil || !strings.Contains(err.Error(), "TRIPTYCH_BUCKET") {
				t.Errorf("%q, %v, want an error that names the setting", got, err)
			}
		})
	}
}

func TestCheckRegion(t *testing.T) {
	for region, valid := range map[string]bool{
		"eu-central-1": true, "us-gov-west-1": true, "auto": true,
		"": false, " ": false, "eu-central-1 ": false, "eu_central_1": false, "EU-CENTRAL-1": false, "arn:aws:s3:eu-central-1": false,
	} {
		t.Run(fmt.Sprintf("%s_is_valid_%t", region, valid), func(t *testing.T) {
			err := settings.Settings{AWS: aws.Config{Region: region}}.CheckRegion()
			if (err == nil) != valid || err != nil && !strings.Contains(err.Error(), "AWS_REGION") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestCredentialsUnavailable(t *testing.T) {
	for status, want := range map[int]bool{500: true, 503: true, 429: true, 403: false, 404: false} {
		t.Run(fmt.Sprintf("status_%d_is_%t", status, want), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
			defer server.Close()
			provider := endpointcreds.New(server.URL, func(o *endpointcreds.Options) { o.Retryer = aws.NopRetryer{} })
			if _, err := provider.Retrieve(t.Context()); settings.CredentialsUnavailable(err) != want {
				t.Errorf("want %t for %v", want, err)
			}
		})
	}
	t.Run("server_that_does_not_answer_in_time_is_unavailable", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		defer server.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := endpointcreds.New(server.URL).Retrieve(ctx); !settings.CredentialsUnavailable(err) {
			t.Error(err)
		}
	})
}
