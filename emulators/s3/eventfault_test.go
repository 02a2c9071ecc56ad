package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
)

func setFault(t *testing.T, s *server, fault string) {
	t.Helper()
	if resp := do(t, "PUT", s.control, nil, fault); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("PUT /fault %s: %s %s", fault, resp.Status, text(t, resp))
	}
}

func TestEventFault(t *testing.T) {
	t.Run("events_are_duplicated", func(t *testing.T) {
		l := startLambda(t)
		s := start(t, t.TempDir(), l.URL)
		setFault(t, s, `{"events":"duplicate"}`)
		put(t, s, "pictures/a.jpg", picture)
		first, second := l.take(t), l.take(t)
		if !json.Valid(first.body) || string(first.body) != string(second.body) {
			t.Errorf("events %s and %s, want the same event twice", first.body, second.body)
		}
		setFault(t, s, `{}`)
		put(t, s, "pictures/b.jpg", picture)
		if e := l.next(t).S3.Object; e.URLDecodedKey != "pictures/b.jpg" {
			t.Errorf("event of %q", e.URLDecodedKey)
		}
	})
	t.Run("events_are_held_until_their_fault_ends", func(t *testing.T) {
		l := startLambda(t)
		s := start(t, t.TempDir(), l.URL)
		for _, key := range []string{"a b", "c+d"} {
			setFault(t, s, `{"only":"`+key+`","events":"hold"}`)
			put(t, s, "pictures/"+key+".jpg", picture)
		}
		for _, key := range []string{"c+d", "a b"} {
			put(t, s, "pictures/next.jpg", picture)
			if e := l.next(t).S3.Object; e.URLDecodedKey != "pictures/next.jpg" {
				t.Errorf("event of %q arrived before its fault ended", e.URLDecodedKey)
			}
			setFault(t, s, `{"only":"`+key+`"}`)
			if e := l.next(t).S3.Object; e.URLDecodedKey != "pictures/"+key+".jpg" {
				t.Errorf("event of %q", e.URLDecodedKey)
			}
		}
	})
	t.Run("held_event_survives_kill_-9", func(t *testing.T) {
		dir, l := t.TempDir(), startLambda(t)
		s := start(t, dir, l.URL)
		setFault(t, s, `{"events":"hold"}`)
		put(t, s, "pictures/a.jpg", picture)
		s.kill()
		start(t, dir, l.URL)
		if e := l.next(t).S3.Object; e.URLDecodedKey != "pictures/a.jpg" {
			t.Errorf("event of %q", e.URLDecodedKey)
		}
	})
	t.Run("unreadable_held_events_are_ignored", func(t *testing.T) {
		dir, l := t.TempDir(), startLambda(t)
		for name, body := range map[string]string{"1": "", "2": `{"Records":[{"eventVer`, "3": `{"Records":[]}`} { // as a power cut can leave them
			write(t, filepath.Join(dir, "outbox", name+heldSuffix), body)
		}
		s := start(t, dir, l.URL)
		setFault(t, s, `{"events":"hold"}`)
		put(t, s, "pictures/a.jpg", picture)
		setFault(t, s, `{}`)
		if e := l.next(t).S3.Object; e.URLDecodedKey != "pictures/a.jpg" {
			t.Errorf("event of %q", e.URLDecodedKey)
		}
	})
}
