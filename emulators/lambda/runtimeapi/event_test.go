package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEvent(t *testing.T) {
	t.Run("it_runs_once_on_success", func(t *testing.T) {
		o := giveOrders(t, ok)
		h := run(t, t.TempDir(), o)
		send(t, h.url, "a")
		o.next(t)
		send(t, h.url, "b")
		if c := o.next(t); c.id != "b" || c.nth != 1 {
			t.Errorf("then came %s for time %d", c.id, c.nth)
		}
	})
	t.Run("a_hundred_at_once_run_once_each", func(t *testing.T) {
		o := giveOrders(t, ok)
		h := run(t, t.TempDir(), o)
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
			c := o.next(t)
			pids[c.pid], ids[c.id] = true, true
		}
		wg.Wait()
		send(t, h.url, "last")
		if last := o.next(t); last.id != "last" || len(ids) != 100 {
			t.Errorf("%d ids ran, then %s", len(ids), last.id)
		}
		if len(pids) > 4 {
			t.Errorf("%d environments ran, want at most 4", len(pids))
		}
	})
	for _, what := range []string{"fail", "panic", "exit"} {
		t.Run("it_is_retried_after_"+what, func(t *testing.T) {
			o := giveOrders(t, once(what))
			h := run(t, t.TempDir(), o)
			send(t, h.url, "a")
			first, second := o.next(t), o.next(t)
			if second.id != "a" || second.nth != 2 {
				t.Errorf("then came %s for time %d", second.id, second.nth)
			}
			if same := first.pid == second.pid; same != (what == "fail") {
				t.Errorf("the process was %s and then %s", first.pid, second.pid)
			}
		})
	}
	t.Run("a_timeout_kills_and_it_is_retried_elsewhere", func(t *testing.T) {
		o := giveOrders(t, func(c call) string {
			if c.nth == 1 {
				return hang(c)
			}
			return "ok"
		})
		h := run(t, t.TempDir(), o, func(c *Config) { c.Timeout = time.Second })
		send(t, h.url, "a")
		first := o.next(t)
		<-first.gone.Done()
		if second := o.next(t); second.pid == first.pid {
			t.Errorf("process %s survived its timeout", first.pid)
		}
	})
	t.Run("a_bootstrap_that_was_rebuilt_is_used", func(t *testing.T) {
		o := giveOrders(t, once("exit"))
		path := filepath.Join(t.TempDir(), "bootstrap")
		h := run(t, t.TempDir(), o, func(c *Config) {
			c.Bootstrap = path
			c.Backoff = []time.Duration{0, 0, time.Millisecond}
		})
		if _, body := invoke(t, h.url, "echo", "", `{"id":"a"}`); !strings.Contains(body, "Runtime.InvalidEntrypoint") {
			t.Errorf("without a bootstrap: %s", body)
		}
		if err := os.Link(bootstrap, path); err != nil {
			t.Fatal(err)
		}
		send(t, h.url, "a")
		o.next(t)
		o.next(t)
	})
}

func TestDeadLetter(t *testing.T) {
	o := giveOrders(t, func(c call) string {
		if c.nth <= 3 {
			return "fail"
		}
		return "ok"
	})
	dir := t.TempDir()
	h := run(t, dir, o)
	resp, _ := invoke(t, h.url, "echo", "Event", `{"id":"a","more":[1,2]}`)
	for range 3 {
		o.next(t)
	}
	path := filepath.Join(dir, "dead-letters", resp.Header.Get("X-Amzn-Requestid")+".json")
	h.flush(t)

	t.Run("it_has_the_shape_of_AWS", func(t *testing.T) {
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
		if d.ResponsePayload.ErrorMessage != "asked to fail" || d.ResponsePayload.ErrorType == "" {
			t.Errorf("response %+v", d.ResponsePayload)
		}
		var payload struct{ More []int }
		if err := json.Unmarshal(d.RequestPayload, &payload); err != nil || len(payload.More) != 2 {
			t.Errorf("request payload %s: %v", d.RequestPayload, err)
		}
	})
	t.Run("a_redrive_moves_it_back", func(t *testing.T) {
		if n, err := h.Redrive(t.Context()); n != 1 || err != nil {
			t.Fatalf("Redrive: %d, %v; want 1", n, err)
		}
		if c := o.next(t); c.id != "a" || c.nth != 4 {
			t.Errorf("then came %s for time %d", c.id, c.nth)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the dead letter is still there: %v", err)
		}
		if n, err := h.Redrive(t.Context()); n != 0 || err != nil {
			t.Errorf("Redrive again: %d, %v; want 0", n, err)
		}
	})
}

func TestHurry(t *testing.T) {
	hours := func(c *Config) { c.Backoff = []time.Duration{time.Hour, time.Hour} }
	hurry := func(t *testing.T, h *running) {
		t.Helper()
		if err := h.Hurry(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("what_waits_is_tried_at_once_and_its_backoff_starts_over", func(t *testing.T) {
		o := giveOrders(t, func(call) string { return "fail" })
		h := run(t, t.TempDir(), o, hours)
		send(t, h.url, "a")
		pids := map[string]bool{}
		for nth := 1; nth <= 5; nth++ { // more than it has attempts
			c := o.next(t)
			if c.nth != nth || pids[c.pid] {
				t.Fatalf("call %d came as number %d, in a fresh environment: %v", c.nth, nth, !pids[c.pid])
			}
			pids[c.pid] = true
			h.flush(t)
			hurry(t, h)
		}
	})
	t.Run("an_attempt_under_way_is_not_the_last", func(t *testing.T) {
		mended := make(chan bool)
		o := giveOrders(t, func(c call) string {
			switch c.nth {
			case 2:
				<-mended
				fallthrough
			case 1:
				return "fail"
			}
			return "ok"
		})
		h := run(t, t.TempDir(), o, func(c *Config) { c.Backoff = []time.Duration{time.Millisecond} })
		send(t, h.url, "a")
		o.next(t)
		old := o.next(t)
		hurry(t, h)
		close(mended)
		if c := o.next(t); c.nth != 3 || c.pid == old.pid {
			t.Errorf("then came %s for time %d in process %s, after %s", c.id, c.nth, c.pid, old.pid)
		}
	})
	t.Run("dead_letters_are_delivered_again", func(t *testing.T) {
		o := giveOrders(t, once("fail"))
		h := run(t, t.TempDir(), o, func(c *Config) { c.Backoff = []time.Duration{} })
		send(t, h.url, "a")
		o.next(t)
		h.flush(t)
		hurry(t, h)
		if c := o.next(t); c.id != "a" || c.nth != 2 {
			t.Errorf("then came %s for time %d", c.id, c.nth)
		}
	})
}

// flush returns once everything that was taken from the queue is dealt with.
func (h *running) flush(t *testing.T) {
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
	t.Run("what_is_stopped_runs_again", func(t *testing.T) {
		dir := t.TempDir()
		o := giveOrders(t, func(c call) string {
			if c.nth == 1 {
				return hang(c)
			}
			return "ok"
		})
		h := run(t, dir, o)
		send(t, h.url, "a")
		first := o.next(t)
		h.stop()
		<-first.gone.Done()
		run(t, dir, o)
		if c := o.next(t); c.id != "a" || c.nth != 2 {
			t.Errorf("then came %s for time %d", c.id, c.nth)
		}
	})
	t.Run("a_retry_that_waits_is_not_forgotten", func(t *testing.T) {
		dir := t.TempDir()
		o := giveOrders(t, once("fail"))
		h := run(t, dir, o, func(c *Config) { c.Backoff = []time.Duration{time.Second} })
		send(t, h.url, "a")
		o.next(t)
		h.flush(t)
		h.stop()
		run(t, dir, o)
		if c := o.next(t); c.id != "a" || c.nth != 2 {
			t.Errorf("then came %s for time %d", c.id, c.nth)
		}
	})
	t.Run("a_queue_in_use_is_refused", func(t *testing.T) {
		dir := t.TempDir()
		run(t, dir, giveOrders(t, ok))
		if _, err := New(Config{Name: "echo", Bootstrap: bootstrap, Dir: dir}); err == nil {
			t.Error("two hosts share a queue")
		}
	})
}

// hostForever is the process that TestKill kills: it takes three events and runs one.
func hostForever(dir string) {
	h, err := New(Config{
		Name: "echo", Bootstrap: os.Getenv("LAMBDA_TEST_BOOTSTRAP"), Dir: dir, Concurrency: 1, Timeout: time.Hour,
		Env: []string{"ECHO_URL=" + os.Getenv("ECHO_URL")},
	})
	if err != nil {
		panic(err)
	}
	listenAndRun(h)
}

// kill -9 of the host takes the function with it and loses no event that was accepted.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	o := giveOrders(t, func(c call) string {
		if c.nth == 1 && c.id == "a" {
			return hang(c)
		}
		return "ok"
	})
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LAMBDA_TEST_DIR="+dir, "LAMBDA_TEST_BOOTSTRAP="+bootstrap, "ECHO_URL="+o.URL)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var url string
	if _, err := fmt.Fscanln(out, &url); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b", "c"} {
		send(t, url, id)
	}
	first := o.next(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	<-first.gone.Done()

	run(t, dir, o)
	got := map[string]bool{}
	for range 3 {
		got[o.next(t).id] = true
	}
	if len(got) != 3 {
		t.Errorf("after the restart came %v, want a, b and c", got)
	}
}
