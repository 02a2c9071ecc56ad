// Package stacktest starts Triptych's programs and emulators for a test. This code is not in package `stack`, because
// programs that import `stack` would then link package `testing`.
package stacktest

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"triptych/emulators/lambda/runtimeapi"
	"triptych/emulators/loopback"
	"triptych/local/stack"
)

func Start(t testing.TB, configure ...func(*stack.Config)) *stack.Stack {
	t.Helper()
	dependOnSources(t)
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

// dependOnSources makes `go test` run a test again, instead of printing its cached result, after a change of any source of the
// module: the programs are built while the test runs, which Go does not see. It sees which directories a test reads.
func dependOnSources(t testing.TB) {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil; _, err = os.Stat(filepath.Join(root, "go.mod")) {
		if root == filepath.Dir(root) {
			t.Fatal("the test does not run in the module")
		}
		root = filepath.Dir(root)
	}
	if err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") { // such as .git and .triptych
			return fs.SkipDir
		}
		if errors.Is(err, fs.ErrNotExist) { // another test deleted it
			return nil
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// StartWeb runs a second web program, with other settings, and returns its URL.
func StartWeb(t testing.TB, s *stack.Stack, settings ...string) string {
	t.Helper()
	port, err := loopback.Claim("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port.Close()
	address := port.Addr().String()
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
