// Package stacktest starts a stack of all programs and emulators for a test. Package `stack` does not contain this
// code, because programs that import `stack` would then link package `testing`.
package stacktest

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"triptych/local/stack"
)

// Start starts a stack on free ports and in a temporary directory, and closes the stack after the test. The configure
// functions can change the stack's configuration.
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

// Eventually calls `done` again and again until `done` returns true or two minutes have passed. It reports whether
// `done` returned true. Two minutes are much longer than anything that a test waits for.
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

// PauseSweeps pauses the sweep schedules, which run every 15 minutes and would start workflows in the middle of a test. A test
// can still trigger a sweep.
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
