package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/emulators/s3event"
)

func TestDelivery(t *testing.T) {
	t.Run("event_is_sent_until_it_is_accepted", func(t *testing.T) {
		l := startLambda(t)
		l.respond(http.StatusServiceUnavailable)
		s := start(t, t.TempDir(), l.URL)
		put(t, s, "pictures/a.jpg", picture)
		l.next(t)
		l.next(t)
		l.respond(http.StatusOK) // only 202 means that Lambda has accepted the event
		l.next(t)
		l.next(t)
		l.respond(http.StatusAccepted)
		if got := l.next(t).S3.Object.URLDecodedKey; got != "pictures/a.jpg" {
			t.Errorf("event of %q", got)
		}
	})
	t.Run("events_are_delivered_when_Lambda_becomes_reachable", func(t *testing.T) {
		dir, unreachable := t.TempDir(), "http://"+freeAddr(t)
		s := start(t, dir, unreachable)
		for i := range 20 {
			put(t, s, fmt.Sprintf("pictures/%d.jpg", i), picture)
		}
		s.kill()
		l := startLambda(t)
		start(t, dir, l.URL)
		got := map[string]bool{}
		for len(got) < 20 {
			got[l.next(t).S3.Object.URLDecodedKey] = true
		}
	})
	t.Run("accepted_event_is_not_sent_after_a_restart", func(t *testing.T) {
		dir, l := t.TempDir(), startLambda(t)
		s := start(t, dir, l.URL)
		put(t, s, "pictures/first.jpg", picture)
		l.next(t)
		if state := s.terminate(t); !state.Success() {
			t.Fatalf("the server ended with %s:\n%s", state, s.log)
		}
		put(t, start(t, dir, l.URL), "pictures/second.jpg", picture)
		if got := l.next(t).S3.Object.URLDecodedKey; got != "pictures/second.jpg" {
			t.Errorf("event of %q", got)
		}
	})
	t.Run("unreadable_event_is_set_aside_and_logged_once", func(t *testing.T) {
		dir, l := t.TempDir(), startLambda(t)
		name := "0000000000000001" + eventSuffix
		write(t, filepath.Join(dir, "outbox", name), `{"Records":[{"eventVer`) // as a power cut can leave it
		s := start(t, dir, l.URL)
		put(t, s, "pictures/a.jpg", picture)
		if got := l.next(t).S3.Object.URLDecodedKey; got != "pictures/a.jpg" {
			t.Errorf("event of %q", got)
		}
		s.terminate(t)
		if n := strings.Count(s.log.String(), name); n != 1 {
			t.Errorf("the file is logged %d times:\n%s", n, s.log)
		}
		if _, err := os.Stat(filepath.Join(dir, "outbox", name+unreadableSuffix)); err != nil {
			t.Error(err)
		}
	})
}

func writeIntent(t *testing.T, dir, key string, began time.Time) {
	t.Helper()
	c := s3event.Creation{EventName: "ObjectCreated:Put", Bucket: bucket, Key: key, Time: began, Sequencer: "0000000000000001"}
	doc, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "outbox", c.Sequencer+intentSuffix), string(doc))
}

func write(t *testing.T, path, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRecovery(t *testing.T) {
	t.Run("object_without_an_event_gets_its_event", func(t *testing.T) {
		dir, l := t.TempDir(), startLambda(t)
		s := start(t, dir, l.URL)
		began := time.Now()
		out := put(t, s, "pictures/a b.jpg", picture)
		l.next(t)
		s.kill()
		writeIntent(t, dir, "pictures/a b.jpg", began)
		write(t, filepath.Join(dir, "outbox", "0000000000000001"+eventSuffix+unfinishedSuffix), `{"Records":[{"eventVer`)
		start(t, dir, l.URL)
		e := l.next(t).S3.Object
		if e.URLDecodedKey != "pictures/a b.jpg" || e.VersionID != *out.VersionId || e.ETag != strings.Trim(*out.ETag, `"`) || e.Size != int64(len(picture)) {
			t.Errorf("event of %+v", e)
		}
	})
	t.Run("versions_since_the_intent_get_their_events_even_if_they_are_not_current", func(t *testing.T) {
		dir, l := t.TempDir(), startLambda(t)
		s := start(t, dir, l.URL)
		put(t, s, "pictures/a", "before the intent")
		time.Sleep(2 * time.Millisecond) // version IDs contain milliseconds
		began, want := time.Now(), map[string]int64{}
		for _, body := range []string{"old", "current"} {
			want[*put(t, s, "pictures/a", body).VersionId] = int64(len(body))
		}
		put(t, s, "pictures/a.jpg", "of another key with the same prefix")
		for range 4 {
			l.next(t)
		}
		s.terminate(t)
		writeIntent(t, dir, "pictures/a", began)
		s = start(t, dir, l.URL)
		put(t, s, "pictures/last.jpg", picture)
		for range 3 {
			e := l.next(t).S3.Object
			if size, ok := want[e.VersionID]; e.URLDecodedKey != "pictures/last.jpg" && (!ok || size != e.Size) {
				t.Errorf("event of %+v", e)
			}
			delete(want, e.VersionID)
		}
		if len(want) > 0 {
			t.Errorf("no events of the versions %v", want)
		}
	})
	t.Run("object_that_was_not_created_gets_no_event_and_can_be_PUT", func(t *testing.T) {
		dir, l := t.TempDir(), startLambda(t)
		writeIntent(t, dir, "pictures/a.jpg", time.Now())
		write(t, filepath.Join(dir, "attributes", bucket, "pictures", "a.jpg", "meta", "etag"), `"of an object that was not created"`)
		s := start(t, dir, l.URL)
		signed := grant(t, s.Client, "pictures/a.jpg")
		if resp := do(t, "PUT", signed.URL, headers(signed), picture); resp.StatusCode != 200 {
			t.Fatalf("PUT: %s %s", resp.Status, text(t, resp))
		}
		if e := l.next(t).S3.Object; e.Size != int64(len(picture)) {
			t.Errorf("event of %+v", e)
		}
	})
	t.Run("incomplete_intent_is_ignored", func(t *testing.T) {
		dir, l := t.TempDir(), startLambda(t)
		write(t, filepath.Join(dir, "outbox", "0000000000000001"+intentSuffix+unfinishedSuffix), `{"EventName":"Obj`)
		write(t, filepath.Join(dir, "outbox", "0000000000000002"+intentSuffix), "") // as a power cut can leave it
		s := start(t, dir, l.URL)
		put(t, s, "pictures/a.jpg", picture)
		if e := l.next(t).S3.Object; e.URLDecodedKey != "pictures/a.jpg" {
			t.Errorf("event of %+v", e)
		}
	})
}

func TestKilledServerLosesNoObjectAndNoEvent(t *testing.T) {
	dir, l := t.TempDir(), startLambda(t)
	var keys []string
	for round := range 8 {
		s := start(t, dir, l.URL)
		var mu sync.Mutex
		var puts atomic.Int64
		var wg sync.WaitGroup
		for client := range 8 {
			wg.Go(func() {
				for i := 0; ; i++ {
					key := fmt.Sprintf("pictures/%d-%d-%d.jpg", round, client, i)
					mu.Lock()
					keys = append(keys, key)
					mu.Unlock()
					if puts.Add(1) == int64(20+10*round) {
						go s.cmd.Process.Kill()
					}
					if _, err := s.PutObject(t.Context(), once(key)); err != nil {
						return
					}
				}
			})
		}
		wg.Wait()
		<-s.ended
	}
	s := start(t, dir, l.URL)
	missing := map[string]bool{}
	for _, key := range keys {
		if _, err := s.PutObject(t.Context(), once(key)); err != nil && !strings.Contains(err.Error(), "PreconditionFailed") {
			t.Fatalf("PUT %s again: %v", key, err)
		}
		if _, err := s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key}); err != nil {
			t.Errorf("GET %s: %v", key, err)
		}
		missing[key] = true
	}
	for len(missing) > 0 {
		delete(missing, l.next(t).S3.Object.URLDecodedKey)
	}
}

func once(key string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(picture), IfNoneMatch: aws.String("*")}
}
