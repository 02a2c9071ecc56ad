package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// intent records that an object is about to be created. After a crash, the next process uses it to find out whether the
// object exists.
type intent struct {
	Event  string    `json:"event"` // AWS's name of the event, such as ObjectCreated:Put
	Bucket string    `json:"bucket"`
	Key    string    `json:"key"`
	Time   time.Time `json:"time"`
}

// outbox stores intents and undelivered events as files. It removes an intent only after the event's file is complete,
// so an incomplete event is always written again. outbox does not sync its files to disk, because the files of the
// objects are not synced either.
type outbox struct {
	dir string

	mu    sync.Mutex
	added sync.Cond
	queue []string // names of events that no worker is delivering, oldest first
	last  int64    // number in the last name
}

const (
	intentSuffix = ".intent"
	eventSuffix  = ".event"
)

func openOutbox(dir string) (*outbox, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding the outbox: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the outbox: %w", err)
	}
	o := &outbox{dir: dir}
	o.added.L = &o.mu
	return o, nil
}

// begin writes an intent under a name that sorts by time.
func (o *outbox) begin(i intent) (string, error) {
	o.mu.Lock()
	o.last = max(o.last+1, i.Time.UnixNano())
	name := fmt.Sprintf("%016X", o.last)
	o.mu.Unlock()
	doc, err := json.Marshal(i)
	if err != nil {
		return "", fmt.Errorf("encoding an intent: %w", err)
	}
	if err := os.WriteFile(o.path(name, intentSuffix), doc, 0o600); err != nil {
		return "", fmt.Errorf("writing an intent to the outbox: %w", err)
	}
	return name, nil
}

// abandon removes an intent.
func (o *outbox) abandon(name string) {
	if err := os.Remove(o.path(name, intentSuffix)); err != nil {
		slog.Warn("cannot remove an intent from the outbox; it is checked again after the next start", "error", err)
	}
}

// complete turns the intent into an event that will be delivered.
func (o *outbox) complete(name string, event []byte) error {
	if err := os.WriteFile(o.path(name, eventSuffix), event, 0o600); err != nil {
		return fmt.Errorf("writing an event to the outbox: %w", err)
	}
	o.abandon(name)
	o.enqueue(name)
	return nil
}

// recover calls settle for every intent of an earlier process, then queues the events of that process. It must be called
// before begin.
func (o *outbox) recover(settle func(name string, i intent) error) error {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return fmt.Errorf("reading the outbox: %w", err)
	}
	settled := map[string]bool{}
	for _, entry := range entries {
		name, found := strings.CutSuffix(entry.Name(), intentSuffix)
		if !found {
			continue
		}
		settled[name] = true
		var i intent
		doc, err := os.ReadFile(o.path(name, intentSuffix))
		if err != nil {
			return fmt.Errorf("reading an intent: %w", err)
		}
		if json.Unmarshal(doc, &i) != nil {
			o.abandon(name) // incomplete: the process was killed before it created the object
			continue
		}
		if err := settle(name, i); err != nil {
			slog.Error("cannot find out whether an object was created; it is checked again after the next start", "error", err)
		}
	}
	for _, entry := range entries {
		if name, found := strings.CutSuffix(entry.Name(), eventSuffix); found && !settled[name] {
			o.enqueue(name)
		}
	}
	return nil
}

// next waits for an event. The caller must call done after the event was delivered, or enqueue if it was not.
func (o *outbox) next(ctx context.Context) (name string, event []byte, err error) {
	defer context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.added.Broadcast()
	})()
	o.mu.Lock()
	for len(o.queue) == 0 && ctx.Err() == nil {
		o.added.Wait()
	}
	if ctx.Err() != nil {
		o.mu.Unlock()
		return "", nil, ctx.Err()
	}
	name, o.queue = o.queue[0], o.queue[1:]
	o.mu.Unlock()
	event, err = os.ReadFile(o.path(name, eventSuffix))
	if err != nil {
		return name, nil, fmt.Errorf("reading an event from the outbox: %w", err)
	}
	return name, event, nil
}

// done removes a delivered event.
func (o *outbox) done(name string) {
	if err := os.Remove(o.path(name, eventSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		slog.Warn("cannot remove a delivered event from the outbox; it is sent again after the next start", "error", err)
	}
}

// enqueue adds an event to the end of the queue.
func (o *outbox) enqueue(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, name)
	o.added.Signal()
}

func (o *outbox) path(name, suffix string) string { return filepath.Join(o.dir, name+suffix) }
