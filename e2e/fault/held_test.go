package fault

import (
	"sync"
	"testing"
	"time"
)

// held keeps a request waiting where a Fault meets it, so that something else can happen meanwhile.
type held struct {
	reached, released chan struct{}
	since             time.Time // it was reached
	reach, let        sync.Once
}

func meet(t *testing.T) *held {
	h := &held{reached: make(chan struct{}), released: make(chan struct{})}
	t.Cleanup(h.release)
	return h
}

// meet is for Fault.OnMatch.
func (h *held) meet() {
	h.reach.Do(func() {
		h.since = time.Now()
		close(h.reached)
	})
	<-h.released
}

// wait returns once a request is kept waiting.
func (h *held) wait(t *testing.T) {
	t.Helper()
	select {
	case <-h.reached:
	case <-patient(t).Done():
		t.Fatal("the request never came")
	}
}

func (h *held) release() { h.let.Do(func() { close(h.released) }) }
