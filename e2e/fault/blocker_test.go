package fault

import (
	"sync"
	"testing"
	"time"

	"triptych/e2e/testenv"
)

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

// With `OnMatch: b.block` in a Fault, the emulator holds matching requests until the test calls b.release.
func (b *blocker) block() {
	b.reach.Do(func() {
		b.blockedAt = time.Now()
		close(b.reached)
	})
	<-b.released
}

func (b *blocker) awaitRequest(t *testing.T) {
	t.Helper()
	select {
	case <-b.reached:
	case <-testenv.Context(t).Done():
		t.Fatal("the emulator did not receive the request")
	}
}

func (b *blocker) release() { b.unblock.Do(func() { close(b.released) }) }
