package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"triptych/emulators/s3event"
)

// S3 delivers each event at least once, usually within seconds:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
const (
	dropEvents      = "drop"
	duplicateEvents = "duplicate"
	holdEvents      = "hold"
)

const heldSuffix = ".held"

func (i *injector) eventFault(key string) string {
	return i.Peek(func(f fault) bool { return strings.Contains(key, f.Only) }).Events
}

// add stores the event of an object as the active fault demands.
func (a *announcer) add(c s3event.Creation) error {
	a.outbox.holding.RLock()
	defer a.outbox.holding.RUnlock()
	switch a.faults.eventFault(c.Key) {
	case holdEvents:
		return a.outbox.write(c.Sequencer+heldSuffix, newEvent(c))
	case duplicateEvents:
		return errors.Join(a.outbox.addEvent(c.Sequencer, c), a.outbox.addEvent(c.Sequencer+"-duplicate", c))
	}
	return a.outbox.addEvent(c.Sequencer, c)
}

func newEvent(c s3event.Creation) s3event.Event {
	return s3event.Event{Records: []s3event.Record{s3event.New(c)}}
}

// releaseEvents delivers the held events that no fault holds any more.
func (o *outbox) releaseEvents(held func(key string) bool) error {
	o.holding.Lock()
	defer o.holding.Unlock()
	names, err := o.list(heldSuffix)
	if err != nil {
		return err
	}
	for _, name := range names {
		path := filepath.Join(o.dir, name)
		doc, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a held event: %w", err)
		}
		key, err := keyOf(doc)
		if err != nil { // possible after a power cut, because files are not synced
			slog.Error("ignoring an unreadable held event", "file", name, "error", err)
			continue
		}
		if held(key) {
			continue
		}
		if err := os.Rename(path, strings.TrimSuffix(path, heldSuffix)+eventSuffix); err != nil {
			return fmt.Errorf("releasing a held event: %w", err)
		}
		o.notifyAdded()
	}
	return nil
}

func keyOf(doc []byte) (string, error) {
	var event s3event.Event
	if err := json.Unmarshal(doc, &event); err != nil {
		return "", fmt.Errorf("decoding the event: %w", err)
	}
	if n := len(event.Records); n != 1 {
		return "", fmt.Errorf("the event has %d records, want 1", n)
	}
	return url.QueryUnescape(event.Records[0].S3.Object.Key)
}
