package runtimeapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func listenAndRun(h *Host) {
	fmt.Println(httptest.NewServer(h).URL)
	if err := h.Run(context.Background()); err != nil {
		panic(err)
	}
}

func TestSynchronous(t *testing.T) {
	o := giveOrders(t, func(c call) string {
		if c.id == "hang" {
			return hang(c)
		}
		return c.id
	})
	stderr, w := io.Pipe()
	calm, hasty := t.TempDir(), t.TempDir()
	h := run(t, calm, o, func(c *Config) { c.Stderr = w })
	impatient := run(t, hasty, o, func(c *Config) { c.Timeout = time.Second })
	lines := make(chan string, 64)
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, err := stderr.Read(b)
			if err != nil {
				return
			}
			select {
			case lines <- string(b[:n]):
			default:
			}
		}
	}()

	t.Run("it_answers_with_the_result", func(t *testing.T) {
		resp, body := invoke(t, h.url, "echo", "", `{"id":"ok"}`)
		var a struct{ ID string }
		if err := json.Unmarshal([]byte(body), &a); err != nil || a.ID != "ok" {
			t.Errorf("body %s: %v", body, err)
		}
		if resp.StatusCode != 200 || resp.Header.Get("X-Amz-Function-Error") != "" || resp.Header.Get("X-Amz-Executed-Version") != "$LATEST" {
			t.Errorf("%s %v", resp.Status, resp.Header)
		}
	})
	t.Run("the_functions_stderr_is_passed_on", func(t *testing.T) {
		if line := <-lines; !strings.Contains(line, "echo is cold") {
			t.Errorf("stderr %q", line)
		}
	})
	for id, want := range map[string]string{
		"fail":  `"asked to fail"`,
		"panic": `"asked to panic"`,
		"exit":  `"Runtime.ExitError"`,
		"hang":  `"Sandbox.Timedout"`,
	} {
		t.Run("it_says_that_the_function_did_"+id, func(t *testing.T) {
			host := h
			if id == "hang" {
				host = impatient
			}
			resp, body := invoke(t, host.url, "echo", "RequestResponse", `{"id":"`+id+`"}`)
			if resp.StatusCode != 200 || resp.Header.Get("X-Amz-Function-Error") != "Unhandled" || !strings.Contains(body, want) {
				t.Errorf("%s %v %s, want %s", resp.Status, resp.Header, body, want)
			}
		})
	}
	t.Run("it_is_not_retried", func(t *testing.T) {
		h.stop()
		impatient.stop()
		for _, dir := range []string{calm, hasty} { // what is left there to be tried again comes before what is sent now
			last := run(t, dir, o, func(c *Config) { c.Concurrency = 1 })
			send(t, last.url, dir)
			for c := o.next(t); c.id != dir; c = o.next(t) {
				if c.nth > 1 {
					t.Errorf("%s ran %d times", c.id, c.nth)
				}
			}
		}
	})
	t.Run("a_process_that_does_not_start_is_an_error", func(t *testing.T) {
		broken := run(t, t.TempDir(), o, func(c *Config) { c.Env = append(c.Env, "ECHO_BROKEN=1") })
		resp, body := invoke(t, broken.url, "echo", "", `{}`)
		if resp.Header.Get("X-Amz-Function-Error") != "Unhandled" || !strings.Contains(body, "exit status 7") {
			t.Errorf("%s %s", resp.Status, body)
		}
	})
}

func TestInvokeAPI(t *testing.T) {
	h := run(t, t.TempDir(), giveOrders(t, ok))
	for _, tt := range []struct {
		outcome, function, kind, payload string
		status                           int
		reason                           string
	}{
		{"an_unknown_function_is_404", "other", "Event", `{}`, 404, "ResourceNotFoundException"},
		{"a_payload_that_is_not_JSON_is_400", "echo", "Event", `{`, 400, "InvalidRequestContentException"},
		{"an_unknown_type_is_400", "echo", "Later", `{}`, 400, "InvalidParameterValueException"},
		{"a_payload_too_large_is_413", "echo", "Event", `"` + strings.Repeat("a", maxPayload) + `"`, 413, "RequestTooLargeException"},
		{"a_dry_run_is_204", "echo", "DryRun", `{}`, http.StatusNoContent, ""},
	} {
		t.Run(tt.outcome, func(t *testing.T) {
			resp, body := invoke(t, h.url, tt.function, tt.kind, tt.payload)
			if resp.StatusCode != tt.status || resp.Header.Get("X-Amzn-Errortype") != tt.reason {
				t.Errorf("%s %s %s, want %d %s", resp.Status, resp.Header.Get("X-Amzn-Errortype"), body, tt.status, tt.reason)
			}
		})
	}
}

func BenchmarkWarm(b *testing.B) {
	h := run(b, b.TempDir(), giveOrders(b, ok))
	invoke(b, h.url, "echo", "", `{"id":"a"}`)
	for b.Loop() {
		invoke(b, h.url, "echo", "", `{"id":"a"}`)
	}
}

func BenchmarkCold(b *testing.B) {
	h := run(b, b.TempDir(), giveOrders(b, func(call) string { return "exit" }))
	for b.Loop() {
		invoke(b, h.url, "echo", "", `{"id":"a"}`)
	}
}

// BenchmarkAccept is how long it takes until an event is on disk.
func BenchmarkAccept(b *testing.B) {
	h := run(b, b.TempDir(), giveOrders(b, ok))
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			invoke(b, h.url, "echo", "Event", `{"id":"a"}`)
		}
	})
}
