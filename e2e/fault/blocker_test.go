package fault

import (
	"sync"
	"testing"
	"time"

	"triptych/e2e/testenv"
)

// blocker delays a request inside an emulator until the test calls the method `release`. While the request is
// blocked, a test can inject faults.
type blocker struct {
	reached, released chan struct{}
	blockedAt         time.Time
	reach, unblock    sync.Once
}

func newBlocker(t *testing.T) *blocker {
	b := &blocker{reached: make(chan struct{}), released: make(chan struct{})}
	t.Cleanup(b.release)
	return b
}

// block waits until the test calls the method `release`. Tests assign `block` to the field OnMatch of a Fault, so
// that the emulator calls `block` for each matching request.
func (b *blocker) block() {
	b.reach.Do(func() {
		b.blockedAt = time.Now()
		close(b.reached)
	})
	<-b.released
}

// awaitRequest returns once a request is blocked.
func (b *blocker) awaitRequest(t *testing.T) {
	t.Helper()
	select {
	case <-b.reached:
	case <-testenv.Context(t).Done():
		t.Fatal("the emulator did not receive the request")
	}
}

func (b *blocker) release() { b.unblock.Do(func() { close(b.released) }) }
