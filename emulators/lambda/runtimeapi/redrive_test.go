package runtimeapi

import "testing"

func TestRedriveKeepsAnEventThatIsBecomingADeadLetter(t *testing.T) {
	h, err := New(Config{Name: "echo", Bootstrap: bootstrap, Dir: t.TempDir()}) // events wait, because Run is not called
	if err != nil {
		t.Fatal(err)
	}
	defer h.queue.db.Close()
	e := event{requestID: "a"}
	if err := h.queue.add(e, []byte(`"payload"`)); err != nil {
		t.Fatal(err)
	}

	h.moving.RLock() // as in moveToDeadLetters
	if err := h.writeDeadLetter(e, []byte(`"payload"`), 3, outcome{failure: "Unhandled"}); err != nil {
		t.Fatal(err)
	}
	redriven := make(chan error, 1)
	go func() {
		_, err := h.Redrive()
		redriven <- err
	}()
	for len(redriven) == 0 && h.moving.TryRLock() { // until Redrive waits for the lock
		h.moving.RUnlock()
	}
	if err := h.queue.remove(e); err != nil {
		t.Fatal(err)
	}
	h.moving.RUnlock()

	if err := <-redriven; err != nil {
		t.Fatal(err)
	}
	if payload, err := h.queue.payload(e); err != nil || string(payload) != `"payload"` {
		t.Errorf("the queue contains %q, %v", payload, err)
	}
}
