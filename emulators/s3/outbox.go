package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"triptych/emulators/s3event"
)

// outbox stores each undelivered event in its own file, such as 0198D8F0A1B2C3D4E5F60718293A4B5C.event.
type outbox struct {
	dir     string
	notify  string        // URL of the function that receives the events; "" if there is none
	added   chan struct{} // receives a value after an event was added
	counter atomic.Uint64
	holding sync.RWMutex // locked while held events are released
}

const (
	intentSuffix = ".intent"
	eventSuffix  = ".event"

	// These are added to the name of a file.
	unfinishedSuffix = ".unfinished" // the file is being written
	unreadableSuffix = ".unreadable" // a power cut can leave such a file, because files are not synced

	// The pause before the next attempt doubles after each failure, from minPause up to maxPause.
	minPause = 50 * time.Millisecond
	maxPause = 2 * time.Second

	concurrentDeliveries = 8
)

func openOutbox(dir, notify string) (*outbox, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the outbox: %w", err)
	}
	return &outbox{dir: dir, notify: notify, added: make(chan struct{}, 1)}, nil
}

// Later IDs are greater as strings, because the ID is the sequencer of a key without versions.
func (o *outbox) newID() string {
	return fmt.Sprintf("%016X%04X", time.Now().UnixNano(), o.counter.Add(1)%(1<<16))
}

func (o *outbox) addIntent(id string, c s3event.Creation) error { return o.write(id+intentSuffix, c) }

func (o *outbox) addEvent(name string, c s3event.Creation) error {
	if err := o.write(name+eventSuffix, newEvent(c)); err != nil {
		return err
	}
	o.notifyAdded()
	return nil
}

func (o *outbox) notifyAdded() {
	select {
	case o.added <- struct{}{}:
	default:
	}
}

// The rename is atomic, so a killed process leaves no incomplete file.
func (o *outbox) write(name string, v any) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding %s for the outbox: %w", name, err)
	}
	path := filepath.Join(o.dir, name)
	if err := os.WriteFile(path+unfinishedSuffix, doc, 0o600); err != nil {
		return fmt.Errorf("writing to the outbox: %w", err)
	}
	return os.Rename(path+unfinishedSuffix, path)
}

func (o *outbox) removeIntent(id string) {
	if err := os.Remove(filepath.Join(o.dir, id+intentSuffix)); err != nil {
		slog.Warn("cannot remove an intent from the outbox; it is checked again after the next start", "error", err)
	}
}

// readIntents returns the intents by ID.
func (o *outbox) readIntents() (map[string]s3event.Creation, error) {
	names, err := o.list(intentSuffix)
	if err != nil {
		return nil, err
	}
	intents := map[string]s3event.Creation{}
	for _, name := range names {
		doc, err := os.ReadFile(filepath.Join(o.dir, name))
		if err != nil {
			return nil, fmt.Errorf("reading an intent: %w", err)
		}
		var intent s3event.Creation
		if err := json.Unmarshal(doc, &intent); err != nil { // possible after a power cut, because files are not synced
			slog.Error("ignoring an unreadable intent", "file", name, "error", err)
			continue
		}
		intents[strings.TrimSuffix(name, intentSuffix)] = intent
	}
	return intents, nil
}

// Unlike fs.Glob, list returns I/O errors.
func (o *outbox) list(suffix string) (names []string, err error) {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), suffix) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// deliver sends events in any order, and sends an event again if the Lambda function does not accept it.
func (o *outbox) deliver(ctx context.Context) {
	pause := minPause
	for {
		err := o.deliverAll(ctx)
		if err == nil {
			pause = minPause
			select {
			case <-o.added:
				continue
			case <-ctx.Done():
				return
			}
		}
		if pause == minPause {
			slog.Warn("an event was not accepted; it is sent again until it is", "error", err)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		case <-ctx.Done():
			return
		}
	}
}

func (o *outbox) deliverAll(ctx context.Context) error {
	names, err := o.list(eventSuffix)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(concurrentDeliveries)
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			path := filepath.Join(o.dir, name)
			event, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("reading an event from the outbox: %w", err)
			}
			if _, err := keyOf(event); err != nil { // Lambda would never accept it
				slog.Error("setting aside an unreadable event", "file", name, "error", err)
				return os.Rename(path, path+unreadableSuffix)
			}
			if err := s3event.Send(context.WithoutCancel(ctx), o.notify, event); err != nil { // a shutdown does not interrupt the request
				return err
			}
			return os.Remove(path)
		})
	}
	return g.Wait()
}
