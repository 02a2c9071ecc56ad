package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"triptych/e2e/s3test"
	"triptych/emulators/ssm"
)

func TestRetryStart(t *testing.T) {
	refused := errors.New("refused")
	always := func(error) bool { return true }
	t.Run("action_is_repeated_until_it_succeeds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			err := retryStart(startContext(t), always, func() error {
				if calls++; calls < 5 {
					return refused
				}
				return nil
			})
			if err != nil || calls != 5 {
				t.Errorf("%v after %d calls", err, calls)
			}
		})
	})
	t.Run("last_error_is_returned_after_two_minutes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			started := time.Now()
			err := retryStart(startContext(t), always, func() error { return refused })
			if waited := time.Since(started); !errors.Is(err, refused) || waited < 110*time.Second || waited > 2*time.Minute {
				t.Errorf("%v after %s", err, waited)
			}
		})
	})
	t.Run("two_waits_share_the_two_minutes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			started, ctx := time.Now(), startContext(t)
			_ = retryStart(ctx, always, func() error {
				if time.Since(started) < 100*time.Second {
					return refused
				}
				return nil
			})
			err := retryStart(ctx, always, func() error { return refused })
			if waited := time.Since(started); !errors.Is(err, refused) || waited > 2*time.Minute {
				t.Errorf("%v after %s", err, waited)
			}
		})
	})
	t.Run("other_error_is_returned_immediately", func(t *testing.T) {
		calls := 0
		err := retryStart(startContext(t), func(error) bool { return false }, func() error { calls++; return refused })
		if !errors.Is(err, refused) || calls != 1 {
			t.Errorf("%v after %d calls", err, calls)
		}
	})
	t.Run("shutdown_ends_the_wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(startContext(t))
			calls, started := 0, time.Now()
			err := retryStart(ctx, always, func() error { calls++; cancel(); return refused })
			if waited := time.Since(started); !errors.Is(err, refused) || calls != 1 || waited != 0 {
				t.Errorf("%v after %d calls and %s", err, calls, waited)
			}
		})
	})
}

func startContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	t.Cleanup(cancel)
	return ctx
}

// refusingTemporal refuses the first calls of CreateSchedule and DescribeNamespace, because they may reach servers of
// which only some know a new key.
type refusingTemporal struct {
	workflowservice.UnimplementedWorkflowServiceServer
	code                codes.Code
	schedule, namespace atomic.Bool // whether the calls were refused
	refuse              func()      // called before a refusal
}

func (s *refusingTemporal) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (s *refusingTemporal) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	return &workflowservice.DescribeNamespaceResponse{}, s.refuseFirst(&s.namespace)
}

func (s *refusingTemporal) CountWorkflowExecutions(context.Context, *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	return &workflowservice.CountWorkflowExecutionsResponse{}, nil
}

func (s *refusingTemporal) CreateSchedule(context.Context, *workflowservice.CreateScheduleRequest) (*workflowservice.CreateScheduleResponse, error) {
	return &workflowservice.CreateScheduleResponse{}, s.refuseFirst(&s.schedule)
}

func (s *refusingTemporal) refuseFirst(refused *atomic.Bool) error {
	if refused.Swap(true) {
		return nil
	}
	s.refuse()
	return status.Error(s.code, "Request unauthorized.")
}

func (s *refusingTemporal) PollWorkflowTaskQueue(ctx context.Context, _ *workflowservice.PollWorkflowTaskQueueRequest) (*workflowservice.PollWorkflowTaskQueueResponse, error) {
	<-ctx.Done()
	return &workflowservice.PollWorkflowTaskQueueResponse{}, nil
}

func (s *refusingTemporal) PollActivityTaskQueue(ctx context.Context, _ *workflowservice.PollActivityTaskQueueRequest) (*workflowservice.PollActivityTaskQueueResponse, error) {
	<-ctx.Done()
	return &workflowservice.PollActivityTaskQueueResponse{}, nil
}

func serve(t *testing.T, temporal workflowservice.WorkflowServiceServer) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, temporal)
	go server.Serve(l)
	t.Cleanup(server.Stop)
	return l.Addr().String()
}

// serveSSM denies the first request, as AWS does with a role whose policy is new, and then returns the settings.
func serveSSM(t *testing.T, settings map[string]string) (url string) {
	t.Helper()
	parameters := &ssm.Server{Region: "eu-central-1"}
	for name, value := range settings {
		parameters.Put("/triptych/worker/"+name, value)
	}
	parameters.Allow("id", "secret", json.RawMessage(`{"Version":"2012-10-17","Statement":[]}`))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parameters.ServeHTTP(w, r)
		parameters.Allow("id", "secret", json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestStart(t *testing.T) {
	for name, code := range map[string]codes.Code{
		"refused_key":               codes.Unauthenticated,
		"key_without_permission":    codes.PermissionDenied,
		"Temporal_that_is_starting": codes.Unavailable,
	} {
		t.Run("worker_waits_for_new_settings_and_for_a_"+name, func(t *testing.T) {
			health := s3test.FreeAddress()
			accepts := func() bool {
				c, err := net.Dial("tcp", health)
				if err == nil {
					c.Close()
				}
				return err == nil
			}
			temporal := &refusingTemporal{code: code, refuse: func() {
				if accepts() {
					t.Error("the worker is healthy before Temporal has accepted its key")
				}
			}}
			setSettings(t, map[string]string{"TEMPORAL_ADDRESS": serve(t, temporal)})
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ready, stopped := filepath.Join(t.TempDir(), "ready"), make(chan error, 1)
			go func() { stopped <- run(ctx, ready, health) }()
			for !accepts() {
				select {
				case err := <-stopped:
					t.Fatalf("the worker stopped: %v", err)
				case <-time.After(20 * time.Millisecond):
				}
			}
			if _, err := os.Stat(ready); err != nil || !temporal.schedule.Load() || !temporal.namespace.Load() {
				t.Errorf("the worker is healthy before it serves: %v", err)
			}
			stop()
			if err := <-stopped; err != nil {
				t.Error(err)
			}
			if accepts() {
				t.Error("the worker is healthy after its shutdown")
			}
		})
	}
}

// setSettings gives the worker the settings through SSM. override replaces some of the usual ones.
func setSettings(t *testing.T, override map[string]string) {
	t.Helper()
	settings := map[string]string{
		"TRIPTYCH_BUCKET": "pictures", "TRIPTYCH_ANNOTATIONS_PER_SECOND": "0.1",
		"TRIPTYCH_PAYLOAD_KEYS": "1:" + base64.StdEncoding.EncodeToString(make([]byte, 32)), "VISION_EMULATOR_HOST": "127.0.0.1:1",
		"COSMOS_ENDPOINT": "https://127.0.0.1:1", "COSMOS_KEY": base64.StdEncoding.EncodeToString([]byte("key")),
	}
	maps.Copy(settings, override)
	for name := range settings {
		t.Setenv(name, "") // so that the test restores what Load changes
	}
	for name, value := range map[string]string{
		"TRIPTYCH_SSM_PATH": "/triptych/worker", "AWS_ENDPOINT_URL_SSM": serveSSM(t, settings), "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
}

// Waiting does not help against such an error, so it ends the worker immediately.
func TestStartWithWrongSettings(t *testing.T) {
	for name, settings := range map[string]map[string]string{
		"wrong_TEMPORAL_setting_is_not_retried": {"TEMPORAL_TLS_CLIENT_CERT_PATH": "/missing", "TEMPORAL_TLS": "true"},
		"missing_setting_is_not_retried":        {"TRIPTYCH_BUCKET": ""},
	} {
		t.Run(name, func(t *testing.T) {
			setSettings(t, settings)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := run(ctx, "", ""); err == nil || ctx.Err() != nil {
				t.Errorf("the error is %v, and the context's %v", err, ctx.Err())
			}
		})
	}
}
