// Package runtimeapi runs one function's bootstrap executable as AWS Lambda does. It passes invocations to the function over
// the Lambda Runtime API. Asynchronous invocations (events) are stored on disk before they are accepted, retried with a
// backoff, and stored as dead letters after the last attempt. An accepted event is never lost, even by kill -9, and may
// run twice. The package does not isolate the function and does not limit its memory.
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

// Config configures a Host. Only Name, Bootstrap and Dir are required.
type Config struct {
	Name      string   // name of the function
	Bootstrap string   // path of its executable; a new environment uses the file as it is then
	Env       []string // the function's environment variables; Lambda's own are added
	Dir       string   // directory of the queue and the dead letters; created if it is missing

	Timeout     time.Duration   // of one invocation; default 3 s, as on AWS
	Concurrency int             // maximum of concurrent invocations and of environments; default 10
	Backoff     []time.Duration // delay before each retry of an event; default 1 s and 5 s (AWS: 1 and 2 min)
	Stderr      io.Writer       // output of all environments, written concurrently; nil discards it
}

// Host runs one function and its queue. It is the http.Handler of the Invoke API. Run must be called once.
type Host struct {
	Config
	api   http.Handler
	queue *queue
	slots chan struct{} // one element for each invocation that may start now

	mu   sync.Mutex
	idle []*environment // the most recently used one is last

	retries atomic.Int64 // number of calls of RetryNow

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
		return nil, fmt.Errorf("finding the bootstrap: %w", err)
	}
	c.Bootstrap = bootstrap
	if err := os.MkdirAll(deadLetters(c.Dir), 0o700); err != nil {
		return nil, fmt.Errorf("creating the function's directory: %w", err)
	}
	q, err := openQueue(filepath.Join(c.Dir, "queue.db"))
	if err != nil {
		return nil, err
	}
	h := &Host{Config: c, queue: q, slots: make(chan struct{}, c.Concurrency), stopping: make(chan struct{})}
	h.api = h.invokeAPI()
	return h, nil
}

// Run processes the queue until ctx ends. Then it interrupts the running invocations, whose events stay in the queue, stops
// all environments and closes the queue. The Host cannot be used afterwards.
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
			if err := h.process(key); err != nil {
				slog.Error("an event stays in the function's queue until the next start", "function", h.Name, "error", err)
			}
		})
	}
	close(h.stopping)
	working.Wait()
	for range h.Concurrency { // wait for synchronous invocations
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

// process makes one attempt at an event, then removes it, schedules a retry or writes a dead letter.
func (h *Host) process(key uint64) error {
	e, err := h.queue.read(key)
	if err != nil {
		return err
	}
	retries := h.retries.Load()
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
	if h.retries.Load() != retries {
		e.Attempts = 0 // RetryNow was called during the attempt, so its failure does not count
	}
	e.Attempts++
	log := slog.With("function", h.Name, "request", e.RequestID, "attempt", e.Attempts)
	if e.Attempts > len(h.Backoff) {
		if err := h.writeDeadLetter(e, got); err != nil {
			return err
		}
		log.Error("an event failed for the last time and became a dead letter")
		return h.queue.remove(key)
	}
	wait := h.Backoff[e.Attempts-1]
	log.Warn("an event failed and will be retried", "wait", wait)
	return h.queue.retry(key, e, wait)
}

// RetryNow retries all waiting events and all dead letters immediately. Call it when the cause of their failures has been
// fixed. Backoffs start over, also for events that are being processed. Later attempts run in new environments, because a
// client in an old environment may still be waiting before it reconnects.
func (h *Host) RetryNow(ctx context.Context) error {
	h.retries.Add(1)
	h.stopIdle()
	if err := h.queue.retryNow(); err != nil {
		return err
	}
	_, err := h.Redrive(ctx)
	return err
}

func (h *Host) arn() string { return "arn:aws:lambda:local:000000000000:function:" + h.Name }
