// Package stacktest runs the whole pipeline for a test.
package stacktest

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"triptych/local/stack"
)

// Start runs a stack of its own for one test, on free ports and in a temporary directory; change may make it another.
func Start(t testing.TB, change ...func(*stack.Config)) *stack.Stack {
	t.Helper()
	ctx := t.Context()
	if deadline, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if at, ok := deadline.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, at.Add(-10*time.Second)) // in time to say why
			defer cancel()
		}
	}
	config := stack.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0", Say: t.Output()}
	for _, f := range change {
		f(&config)
	}
	s, err := stack.Open(ctx, config)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatal("the first build took longer than this test may: what is built so far is kept, so run it again, or with -timeout 30m")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Eventually tries until done says so, and reports whether it did. What takes longer than two minutes will never come.
// The pause between two tries leaves the machine to what is waited for.
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

// PauseSweeps has no picture started by a quarter of an hour that happens to be over. A sweep can still be asked for.
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
