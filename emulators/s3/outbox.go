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

// intent says that an object is about to be created. It is written before, so that an object whose
// creation nobody lived to tell of is found again.
type intent struct {
	Event  string    `json:"event"` // as AWS names it: ObjectCreated:Put
	Bucket string    `json:"bucket"`
	Key    string    `json:"key"`
	Time   time.Time `json:"time"`
}

// outbox keeps intents and events as files until they are settled and accepted. An event's file is complete
// before its intent's is removed; a half-written one is therefore always written again. Nothing is synced
// to disk, because the objects are not either.
type outbox struct {
	dir string

	mu    sync.Mutex
	more  sync.Cond
	queue []string // names of events nobody is delivering, oldest first
	last  int64
}

const (
	intentSuffix = ".intent"
	eventSuffix  = ".event"
)

func openOutbox(dir string) (*outbox, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the outbox: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the outbox: %w", err)
	}
	o := &outbox{dir: dir}
	o.more.L = &o.mu
	return o, nil
}

// begin notes an intent, under a name that sorts by time.
func (o *outbox) begin(i intent) (string, error) {
	o.mu.Lock()
	o.last = max(o.last+1, i.Time.UnixNano())
	name := fmt.Sprintf("%016X", o.last)
	o.mu.Unlock()
	doc, err := json.Marshal(i)
	if err != nil {
		return "", fmt.Errorf("write the intent: %w", err)
	}
	if err := os.WriteFile(o.path(name, intentSuffix), doc, 0o600); err != nil {
		return "", fmt.Errorf("note in the outbox that an object is coming: %w", err)
	}
	return name, nil
}

// abandon drops the intent: no object was created.
func (o *outbox) abandon(name string) {
	if err := os.Remove(o.path(name, intentSuffix)); err != nil {
		slog.Warn("cannot remove an intent from the outbox; it is looked at again after the next start", "error", err)
	}
}

// complete turns the intent into an event that will be delivered.
func (o *outbox) complete(name string, event []byte) error {
	if err := os.WriteFile(o.path(name, eventSuffix), event, 0o600); err != nil {
		return fmt.Errorf("put an event into the outbox: %w", err)
	}
	o.abandon(name)
	o.again(name)
	return nil
}

// recover hands over every intent of an earlier process, then queues every event that it left. It runs
// before anything is begun.
func (o *outbox) recover(settle func(name string, i intent) error) error {
	left, err := os.ReadDir(o.dir)
	if err != nil {
		return fmt.Errorf("read the outbox: %w", err)
	}
	settled := map[string]bool{}
	for _, entry := range left {
		name, found := strings.CutSuffix(entry.Name(), intentSuffix)
		if !found {
			continue
		}
		settled[name] = true
		var i intent
		doc, err := os.ReadFile(o.path(name, intentSuffix))
		if err != nil {
			return fmt.Errorf("read an intent: %w", err)
		}
		if json.Unmarshal(doc, &i) != nil {
			o.abandon(name) // killed while it was written: the object was not begun
			continue
		}
		if err := settle(name, i); err != nil {
			slog.Error("cannot tell what became of an object; asked again after the next start", "error", err)
		}
	}
	for _, entry := range left {
		if name, found := strings.CutSuffix(entry.Name(), eventSuffix); found && !settled[name] {
			o.again(name)
		}
	}
	return nil
}

// next waits for an event to deliver. The caller ends with either done or again.
func (o *outbox) next(ctx context.Context) (name string, event []byte, err error) {
	defer context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.more.Broadcast()
	})()
	o.mu.Lock()
	for len(o.queue) == 0 && ctx.Err() == nil {
		o.more.Wait()
	}
	if ctx.Err() != nil {
		o.mu.Unlock()
		return "", nil, ctx.Err()
	}
	name, o.queue = o.queue[0], o.queue[1:]
	o.mu.Unlock()
	event, err = os.ReadFile(o.path(name, eventSuffix))
	if err != nil {
		return name, nil, fmt.Errorf("read an event from the outbox: %w", err)
	}
	return name, event, nil
}

// done removes an event that was accepted.
func (o *outbox) done(name string) {
	if err := os.Remove(o.path(name, eventSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		slog.Warn("cannot remove a delivered event from the outbox; it is sent again after the next start", "error", err)
	}
}

// again queues an event behind all others.
func (o *outbox) again(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, name)
	o.more.Signal()
}

func (o *outbox) path(name, suffix string) string { return filepath.Join(o.dir, name+suffix) }
