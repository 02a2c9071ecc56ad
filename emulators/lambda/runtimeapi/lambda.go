// Package runtimeapi emulates AWS Lambda for one function, without isolation or memory limit, and may repeat
// asynchronous invocations.
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
	"time"

	"triptych/emulators/privatedir"
)

// Name, Bootstrap and Dir are required.
type Config struct {
	Name      string   // name of the function
	Bootstrap string   // path of its executable, which each new environment starts
	Env       []string // the function's environment variables; Lambda's own are added
	Dir       string   // directory of the queue and the dead letters; created if it is missing

	Timeout     time.Duration   // of one invocation; default 3 s, as on AWS
	Concurrency int             // maximum of concurrent invocations and of environments; default 10
	Backoff     []time.Duration // delay before each retry of an event; default 1 s and 5 s (AWS: 1 and 2 min)
	Stderr      io.Writer       // output of all environments, written concurrently; nil discards it
}

// Host runs one function, serves Lambda's Invoke API and queues events on disk. The caller must call Run once. Until
// then, invocations wait.
type Host struct {
	Config
	api      *http.ServeMux
	queue    queue
	slots    chan struct{} // contains an element for each invocation that may start now
	stopping chan struct{}
	moving   sync.RWMutex // write-locked by Redrive, read-locked while events become dead letters

	mu       sync.Mutex
	idle     []*environment // the most recently used one is last
	retryNow chan struct{}  // closed by the next call of RetryNow
}

// New fails if another Host uses the queue in c.Dir.
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
	if err := privatedir.Create(c.Dir, "queue.db"); err != nil {
		return nil, fmt.Errorf("creating the function's directory: %w", err)
	}
	if err := os.MkdirAll(deadLetters(c.Dir), 0o700); err != nil {
		return nil, fmt.Errorf("creating the function's directory: %w", err)
	}
	q, err := openQueue(filepath.Join(c.Dir, "queue.db"))
	if err != nil {
		return nil, err
	}
	left, err := q.events()
	if err != nil {
		return nil, errors.Join(err, q.db.Close())
	}
	h := &Host{
		Config: c, api: http.NewServeMux(), queue: q,
		slots: make(chan struct{}, c.Concurrency), stopping: make(chan struct{}), retryNow: make(chan struct{}),
	}
	h.api.HandleFunc("POST /2015-03-31/functions/{name}/invocations", h.serveInvoke)
	for _, e := range left {
		go h.deliver(e)
	}
	return h, nil
}

// Run invokes nothing if ctx has ended already.
func (h *Host) Run(ctx context.Context) error {
	slots := h.Concurrency
	if ctx.Err() != nil {
		slots = 0
	}
	for range slots {
		h.slots <- struct{}{}
	}
	<-ctx.Done()
	close(h.stopping)
	for range slots { // wait for the running invocations
		<-h.slots
	}
	h.stopIdle()
	if err := h.queue.db.Close(); err != nil {
		return fmt.Errorf("closing the function's queue: %w", err)
	}
	return nil
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

func (h *Host) accept(e event, payload []byte) error {
	if err := h.queue.add(e, payload); err != nil {
		return err
	}
	go h.deliver(e)
	return nil
}

func (h *Host) deliver(e event) {
	var attempts int
	var retryNow chan struct{}
	for h.acquire(context.Background()) {
		if current := h.nextRetryNow(); current != retryNow {
			attempts, retryNow = 0, current
		}
		attempts++
		again, wait, err := h.attempt(e, attempts, retryNow)
		h.release()
		if err != nil {
			slog.Error("an event stays in the function's queue until the next start", "function", h.Name, "error", err)
		}
		if !again {
			return
		}
		select {
		case <-time.After(wait):
		case <-retryNow:
		case <-h.stopping:
		}
	}
}

func (h *Host) attempt(e event, nth int, retryNow chan struct{}) (again bool, wait time.Duration, err error) {
	payload, err := h.queue.payload(e)
	if payload == nil || err != nil { // nil: the event has left the queue
		return false, 0, err
	}
	got, err := h.invoke(&invocation{requestID: e.requestID, payload: payload, traceID: cmp.Or(e.traceID, newTraceID())})
	if err != nil {
		return false, 0, nil // the Host is stopping
	}
	if got.failure == "" {
		return false, 0, h.queue.remove(e)
	}
	if h.nextRetryNow() != retryNow {
		return true, 0, nil // RetryNow was called during the attempt, so its failure does not count
	}
	log := slog.With("function", h.Name, "request", e.requestID, "attempt", nth)
	if nth > len(h.Backoff) {
		if err := h.moveToDeadLetters(e, payload, nth, got); err != nil {
			return false, 0, err
		}
		log.Error("an event failed for the last time and became a dead letter")
		return false, 0, nil
	}
	wait = h.Backoff[nth-1]
	log.Warn("an event failed and will be retried", "wait", wait)
	return true, wait, nil
}

// RetryNow retries all waiting events and dead letters. It first stops the function's idle processes, because their gRPC
// connections may wait several seconds before they reconnect.
func (h *Host) RetryNow() error {
	h.mu.Lock()
	retryNow := h.retryNow
	h.retryNow = make(chan struct{})
	h.mu.Unlock()
	h.stopIdle()
	close(retryNow)
	_, err := h.Redrive()
	return err
}

// The next call of RetryNow closes the returned channel.
func (h *Host) nextRetryNow() chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.retryNow
}

func (h *Host) arn() string { return "arn:aws:lambda:local:000000000000:function:" + h.Name }
