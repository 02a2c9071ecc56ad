package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEvent(t *testing.T) {
	t.Run("successful_event_runs_once", func(t *testing.T) {
		in := newInstructor(t, ok)
		h := run(t, t.TempDir(), in)
		send(t, h.url, "a")
		in.next(t)
		send(t, h.url, "b")
		if c := in.next(t); c.id != "b" || c.nth != 1 {
			t.Errorf("next call is %s, number %d", c.id, c.nth)
		}
	})
	t.Run("100_concurrent_events_run_once_each", func(t *testing.T) {
		in := newInstructor(t, ok)
		h := run(t, t.TempDir(), in)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if err := trySend(t, h.url, fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
		}
		pids, ids := map[string]bool{}, map[string]bool{}
		for range 100 {
			c := in.next(t)
			pids[c.pid], ids[c.id] = true, true
		}
		wg.Wait()
		send(t, h.url, "last")
		if last := in.next(t); last.id != "last" || len(ids) != 100 {
			t.Errorf("%d ids ran, then %s", len(ids), last.id)
		}
		if len(pids) > 4 {
			t.Errorf("%d environments ran, want at most 4", len(pids))
		}
	})
	for _, instruction := range []string{"fail", "panic", "exit"} {
		t.Run("event_is_retried_after_"+instruction, func(t *testing.T) {
			in := newInstructor(t, once(instruction))
			h := run(t, t.TempDir(), in)
			send(t, h.url, "a")
			first, second := in.next(t), in.next(t)
			if second.id != "a" || second.nth != 2 {
				t.Errorf("next call is %s, number %d", second.id, second.nth)
			}
			if same := first.pid == second.pid; same != (instruction == "fail") {
				t.Errorf("the first process was %s, the second %s", first.pid, second.pid)
			}
		})
	}
	t.Run("event_is_retried_in_a_new_process_after_a_timeout", func(t *testing.T) {
		in := newInstructor(t, func(c call) string {
			if c.nth == 1 {
				return hang(c)
			}
			return "ok"
		})
		h := run(t, t.TempDir(), in, func(c *Config) { c.Timeout = time.Second })
		send(t, h.url, "a")
		first := in.next(t)
		<-first.process.Done()
		if second := in.next(t); second.pid == first.pid {
			t.Errorf("the retry ran in process %s, which had timed out", first.pid)
		}
	})
	t.Run("new_bootstrap_is_used_without_a_restart", func(t *testing.T) {
		in := newInstructor(t, once("exit"))
		path := filepath.Join(t.TempDir(), "bootstrap")
		h := run(t, t.TempDir(), in, func(c *Config) {
			c.Bootstrap = path
			c.Backoff = []time.Duration{0, 0, time.Millisecond}
		})
		if _, body := invoke(t, h.url, "echo", "", `{"id":"a"}`); !strings.Contains(body, "Runtime.InvalidEntrypoint") {
			t.Errorf("without a bootstrap: %s", body)
		}
		if err := os.Symlink(bootstrap, path); err != nil {
			t.Fatal(err)
		}
		send(t, h.url, "a")
		in.next(t)
		in.next(t)
	})
}

func TestDeadLetter(t *testing.T) {
	in := newInstructor(t, func(c call) string {
		if c.nth <= 3 {
			return "fail"
		}
		return "ok"
	})
	dir := t.TempDir()
	h := run(t, dir, in)
	resp, _ := invoke(t, h.url, "echo", "Event", `{"id":"a","more":[1,2]}`)
	for range 3 {
		in.next(t)
	}
	path := filepath.Join(dir, "dead-letters", resp.Header.Get("X-Amzn-Requestid")+".json")
	h.waitUntilIdle(t)

	t.Run("dead_letter_has_AWSs_format", func(t *testing.T) {
		doc, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Version, Timestamp string
			RequestContext     struct {
				RequestID, FunctionARN, Condition string
				ApproximateInvokeCount            int
			}
			RequestPayload  json.RawMessage
			ResponseContext struct {
				StatusCode                     int
				ExecutedVersion, FunctionError string
			}
			ResponsePayload struct{ ErrorMessage, ErrorType string }
		}
		if err := json.Unmarshal(doc, &d); err != nil {
			t.Fatal(err)
		}
		if _, err := time.Parse(time.RFC3339, d.Timestamp); err != nil || d.Version != "1.0" {
			t.Errorf("version %q, timestamp %q", d.Version, d.Timestamp)
		}
		c := d.RequestContext
		if c.RequestID != resp.Header.Get("X-Amzn-Requestid") || !strings.HasSuffix(c.FunctionARN, ":function:echo:$LATEST") ||
			c.Condition != "RetriesExhausted" || c.ApproximateInvokeCount != 3 {
			t.Errorf("request context %+v", c)
		}
		if r := d.ResponseContext; r.StatusCode != 200 || r.ExecutedVersion != "$LATEST" || r.FunctionError != "Unhandled" {
			t.Errorf("response context %+v", r)
		}
		if d.ResponsePayload.ErrorMessage != "instructed to fail" || d.ResponsePayload.ErrorType == "" {
			t.Errorf("response %+v", d.ResponsePayload)
		}
		var payload struct{ More []int }
		if err := json.Unmarshal(d.RequestPayload, &payload); err != nil || len(payload.More) != 2 {
			t.Errorf("request payload %s: %v", d.RequestPayload, err)
		}
	})
	t.Run("Redrive_moves_the_dead_letter_back_to_the_queue", func(t *testing.T) {
		if n, err := h.Redrive(); n != 1 || err != nil {
			t.Fatalf("Redrive: %d, %v; want 1", n, err)
		}
		if c := in.next(t); c.id != "a" || c.nth != 4 {
			t.Errorf("next call is %s, number %d", c.id, c.nth)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the dead letter still exists: %v", err)
		}
		if n, err := h.Redrive(); n != 0 || err != nil {
			t.Errorf("Redrive again: %d, %v; want 0", n, err)
		}
	})
}

func TestRetryNow(t *testing.T) {
	hours := func(c *Config) { c.Backoff = []time.Duration{time.Hour, time.Hour} }
	retryNow := func(t *testing.T, h *running) {
		t.Helper()
		if err := h.RetryNow(); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("waiting_event_is_retried_immediately_and_its_backoff_starts_over", func(t *testing.T) {
		in := newInstructor(t, func(call) string { return "fail" })
		h := run(t, t.TempDir(), in, hours)
		send(t, h.url, "a")
		pids := map[string]bool{}
		for nth := 1; nth <= 5; nth++ { // more than its maximum of attempts
			c := in.next(t)
			if c.nth != nth || pids[c.pid] {
				t.Fatalf("call %d has number %d, in a new environment: %v", c.nth, nth, !pids[c.pid])
			}
			pids[c.pid] = true
			h.waitUntilIdle(t)
			retryNow(t, h)
		}
	})
	t.Run("attempt_that_was_running_does_not_count", func(t *testing.T) {
		fixed := make(chan bool)
		in := newInstructor(t, func(c call) string {
			switch c.nth {
			case 2:
				<-fixed
				fallthrough
			case 1:
				return "fail"
			}
			return "ok"
		})
		h := run(t, t.TempDir(), in, func(c *Config) { c.Backoff = []time.Duration{time.Millisecond} })
		send(t, h.url, "a")
		in.next(t)
		old := in.next(t)
		retryNow(t, h)
		close(fixed)
		if c := in.next(t); c.nth != 3 || c.pid == old.pid {
			t.Errorf("next call is %s, number %d in process %s; the old process is %s", c.id, c.nth, c.pid, old.pid)
		}
	})
	t.Run("dead_letter_is_delivered_again", func(t *testing.T) {
		in := newInstructor(t, once("fail"))
		h := run(t, t.TempDir(), in, func(c *Config) { c.Backoff = []time.Duration{} })
		send(t, h.url, "a")
		in.next(t)
		h.waitUntilIdle(t)
		retryNow(t, h)
		if c := in.next(t); c.id != "a" || c.nth != 2 {
			t.Errorf("next call is %s, number %d", c.id, c.nth)
		}
	})
}

func (h *running) waitUntilIdle(t *testing.T) {
	t.Helper()
	for range h.Concurrency {
		if !h.acquire(t.Context()) {
			t.Fatal("the host stopped")
		}
	}
	for range h.Concurrency {
		h.release()
	}
}

func TestRestart(t *testing.T) {
	t.Run("event_that_was_running_at_the_stop_runs_again", func(t *testing.T) {
		dir := t.TempDir()
		in := newInstructor(t, func(c call) string {
			if c.nth == 1 {
				return hang(c)
			}
			return "ok"
		})
		h := run(t, dir, in)
		send(t, h.url, "a")
		first := in.next(t)
		h.stop()
		<-first.process.Done()
		run(t, dir, in)
		if c := in.next(t); c.id != "a" || c.nth != 2 {
			t.Errorf("next call is %s, number %d", c.id, c.nth)
		}
	})
	t.Run("waiting_retry_survives_a_restart", func(t *testing.T) {
		dir := t.TempDir()
		in := newInstructor(t, once("fail"))
		h := run(t, dir, in, func(c *Config) { c.Backoff = []time.Duration{time.Second} })
		send(t, h.url, "a")
		in.next(t)
		h.waitUntilIdle(t)
		h.stop()
		run(t, dir, in)
		if c := in.next(t); c.id != "a" || c.nth != 2 {
			t.Errorf("next call is %s, number %d", c.id, c.nth)
		}
	})
	t.Run("second_host_on_the_same_queue_is_refused", func(t *testing.T) {
		dir := t.TempDir()
		run(t, dir, newInstructor(t, ok))
		if _, err := New(Config{Name: "echo", Bootstrap: bootstrap, Dir: dir}); err == nil {
			t.Error("New succeeded")
		}
	})
}

// hostForever is the process that TestKillLosesNoAcceptedEvent kills.
func hostForever(dir string) {
	h, err := New(Config{
		Name: "echo", Bootstrap: bootstrap, Dir: dir, Concurrency: 1, Timeout: time.Hour,
		Env: []string{"ECHO_URL=" + os.Getenv("ECHO_URL")},
	})
	if err != nil {
		panic(err)
	}
	listenAndRun(h)
}

func TestKillLosesNoAcceptedEvent(t *testing.T) {
	dir := t.TempDir()
	in := newInstructor(t, func(c call) string {
		if c.nth == 1 && c.id == "a" {
			return hang(c)
		}
		return "ok"
	})
	host, url := startHost(t, dir, in)
	for _, id := range []string{"a", "b", "c"} {
		send(t, url, id)
	}
	first := in.next(t)
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	host.Wait()
	<-first.process.Done()

	run(t, dir, in)
	got := map[string]bool{}
	for range 3 {
		got[in.next(t).id] = true
	}
	if len(got) != 3 {
		t.Errorf("events after the restart: %v, want a, b and c", got)
	}
}
