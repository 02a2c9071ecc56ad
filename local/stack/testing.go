package stack

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Start runs a stack of its own for one test, on free ports and in a temporary directory; change may make it another.
func Start(t testing.TB, change ...func(*Config)) *Stack {
	t.Helper()
	ctx := t.Context()
	if deadline, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if at, ok := deadline.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, at.Add(-10*time.Second)) // in time to say why
			defer cancel()
		}
	}
	config := Config{Dir: t.TempDir(), Addr: "127.0.0.1:0", Say: t.Output()}
	for _, f := range change {
		f(&config)
	}
	s, err := Open(ctx, config)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatal("the first build took longer than this test may: what is built so far is kept, so run it again, or with -timeout 30m")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
