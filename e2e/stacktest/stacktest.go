// Package stacktest starts Triptych's programs and emulators for a test.
package stacktest

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"triptych/emulators/lambda/runtimeapi"
	"triptych/internal/loopback"
	"triptych/local/stack"
)

func Start(t testing.TB, configure ...func(*stack.Config)) *stack.Stack {
	t.Helper()
	ctx := t.Context()
	if test, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if d, ok := test.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, d.Add(-10*time.Second)) // leaves time to report the reason
			defer cancel()
		}
	}
	config := stack.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0", Output: t.Output()}
	for _, f := range configure {
		f(&config)
	}
	s, err := stack.Open(ctx, config)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatal("The first build did not finish before the test's deadline. Run the test again (the build cache is kept), or with -timeout 30m")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// StartWeb runs a second web program, with other settings, and returns its URL.
func StartWeb(t testing.TB, s *stack.Stack, settings ...string) string {
	t.Helper()
	address, err := loopback.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	s.StartProgram("second web", "web", settings, "-addr", address)
	if !Eventually(t, func(ctx context.Context) bool {
		res, err := http.Get("http://" + address + "/healthz")
		if err == nil {
			res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	}) {
		t.Fatal("web does not serve")
	}
	return "http://" + address
}

func RunLambda(t testing.TB, config runtimeapi.Config) *runtimeapi.Host {
	t.Helper()
	config.Dir, config.Stderr = t.TempDir(), t.Output()
	host, err := runtimeapi.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan error, 1)
	go func() { stopped <- host.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return host
}

// Eventually gives up after two minutes, which is longer than any test needs to wait.
func Eventually(t testing.TB, done func(context.Context) bool) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for !done(ctx) {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	return true
}

// Scheduled sweeps run every 15 minutes and would start workflows in the middle of a test.
func PauseSweeps(t testing.TB, s *stack.Stack) {
	t.Helper()
	c, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, id := range []string{"sweep", "sweep-all"} {
		if err := c.ScheduleClient().GetHandle(t.Context(), id).Pause(t.Context(), client.SchedulePauseOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}
