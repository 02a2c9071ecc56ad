// Package lambda runs one function's real bootstrap binary the way AWS Lambda does: invocations over the
// Lambda Runtime API, asynchronous ones queued on disk before they are accepted, retried with waits and at
// last kept as dead letters. An accepted event is never lost, not even to kill -9, and may run twice. It
// neither isolates the function nor limits its memory, and does not know what the function does.
package runtimeapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Host needs to know. Only Name, Bootstrap and Dir must be set.
type Config struct {
	Name      string   // of the function
	Bootstrap string   // path of its binary, looked up whenever an environment starts: a rebuild is picked up then
	Env       []string // the function's whole environment, but for what Lambda itself adds
	Dir       string   // of the queue and the dead letters; made if absent

	Timeout     time.Duration   // of one invocation; 3 s, as AWS, if 0
	Concurrency int             // invocations, and so environments, at once; 10 if 0
	Backoff     []time.Duration // waits before the retries of an event, one for each; 1 s and 5 s (AWS: 1 and 2 min) if nil
	Stderr      io.Writer       // of all environments, possibly at once; dropped if nil
}

// Host is one function and its queue. Serve the Invoke API with it and call Run, once.
type Host struct {
	Config
	api   http.Handler
	queue *queue
	slots chan struct{} // one for each invocation that may start now

	mu   sync.Mutex
	idle []*environment // the most recently used last

	hurried atomic.Int64 // how often

	stopping chan struct{}
}

// New opens the queue in c.Dir. It fails if another Host has it open.
func New(c Config) (*Host, error) {
	if c.Name == "" || c.Bootstrap == "" || c.Dir == "" {
		return nil, errors.New("a function needs a name, a bootstrap and a directory")
	}
	c.Timeout = cmp.Or(c.Timeout, 3*time.Second)
	c.Concurrency = cmp.Or(c.Concurrency, 10)
	if c.Backoff == nil {
		c.Backoff = []time.Duration{time.Second, 5 * time.Second}
	}
	bootstrap, err := filepath.Abs(c.Bootstrap)
	if err != nil {
		return nil, fmt.Errorf("find the bootstrap: %w", err)
	}
	c.Bootstrap = bootstrap
	if err := os.MkdirAll(deadLetters(c.Dir), 0o700); err != nil {
		return nil, fmt.Errorf("make the function's directory: %w", err)
	}
	q, err := openQueue(filepath.Join(c.Dir, "queue.db"))
	if err != nil {
		return nil, err
	}
	h := &Host{Config: c, queue: q, slots: make(chan struct{}, c.Concurrency), stopping: make(chan struct{})}
	h.api = h.invokeAPI()
	return h, nil
}

// Run works the queue until ctx ends. Then it gives up what is running, which stays queued, stops every
// environment and closes the queue; the Host is of no use afterwards.
func (h *Host) Run(ctx context.Context) error {
	for range h.Concurrency {
		h.slots <- struct{}{}
	}
	var working sync.WaitGroup
	for {
		key, err := h.queue.next(ctx)
		if err != nil {
			break
		}
		if !h.acquire(ctx) {
			break
		}
		working.Go(func() {
			defer h.release()
			if err := h.work(key); err != nil {
				slog.Error("an event stays in the function's queue until the next start", "function", h.Name, "error", err)
			}
		})
	}
	close(h.stopping)
	working.Wait()
	for range h.Concurrency { // synchronous invocations
		<-h.slots
	}
	h.stopIdle()
	return h.queue.close()
}

func (h *Host) acquire(ctx context.Context) bool {
	select {
	case <-h.slots:
		return true
	case <-ctx.Done():
		return false
	case <-h.stopping:
		return false
	}
}

func (h *Host) release() { h.slots <- struct{}{} }

// work runs one event once and decides what becomes of it.
func (h *Host) work(key uint64) error {
	e, err := h.queue.read(key)
	if err != nil {
		return err
	}
	hurried := h.hurried.Load()
	got, err := h.invoke(e.RequestID, e.Payload, nil)
	if errors.Is(err, errStopping) {
		return nil
	}
	if err != nil {
		return err
	}
	if got.failure == "" {
		return h.queue.remove(key)
	}
	if h.hurried.Load() != hurried {
		e.Attempts = 0 // this one began before what it failed of was mended
	}
	e.Attempts++
	log := slog.With("function", h.Name, "request", e.RequestID, "attempt", e.Attempts)
	if e.Attempts > len(h.Backoff) {
		if err := h.bury(e, got); err != nil {
			return err
		}
		log.Error("an event failed for the last time and is a dead letter now")
		return h.queue.remove(key)
	}
	wait := h.Backoff[e.Attempts-1]
	log.Warn("an event failed and will be retried", "wait", wait)
	return h.queue.retry(key, e, wait)
}

// Hurry tries every event that waits for its next attempt now: what they failed of is mended. Their backoff starts over,
// also that of an event whose attempt is under way, and dead letters are delivered again. All of that happens in fresh
// environments, for what failed in an old one may make it wait longer before it looks again.
func (h *Host) Hurry(ctx context.Context) error {
	h.hurried.Add(1)
	h.stopIdle()
	if err := h.queue.retryNow(); err != nil {
		return err
	}
	_, err := h.Redrive(ctx)
	return err
}

func (h *Host) arn() string { return "arn:aws:lambda:local:000000000000:function:" + h.Name }
