package runtimeapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
	in := newInstructor(t, func(c call) string {
		if c.id == "hang" {
			return hang(c)
		}
		return c.id
	})
	stderr, w := io.Pipe()
	dir, shortDir := t.TempDir(), t.TempDir()
	h := run(t, dir, in, func(c *Config) { c.Stderr = w })
	shortTimeout := run(t, shortDir, in, func(c *Config) { c.Timeout = time.Second })
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

	t.Run("response_contains_the_result", func(t *testing.T) {
		resp, body := invoke(t, h.url, "echo", "", `{"id":"ok"}`)
		var a struct{ ID string }
		if err := json.Unmarshal([]byte(body), &a); err != nil || a.ID != "ok" {
			t.Errorf("body %s: %v", body, err)
		}
		if resp.StatusCode != 200 || resp.Header.Get("X-Amz-Function-Error") != "" || resp.Header.Get("X-Amz-Executed-Version") != "$LATEST" {
			t.Errorf("%s %v", resp.Status, resp.Header)
		}
	})
	t.Run("stderr_of_the_function_is_written_to_Config.Stderr", func(t *testing.T) {
		if line := <-lines; !strings.Contains(line, "echo: cold start") {
			t.Errorf("stderr %q", line)
		}
	})
	for id, want := range map[string]string{
		"fail":  `"instructed to fail"`,
		"panic": `"instructed to panic"`,
		"exit":  `"Runtime.ExitError"`,
		"hang":  `"Sandbox.Timedout"`,
	} {
		t.Run("failure_is_reported_after_"+id, func(t *testing.T) {
			host := h
			if id == "hang" {
				host = shortTimeout
			}
			resp, body := invoke(t, host.url, "echo", "RequestResponse", `{"id":"`+id+`"}`)
			if resp.StatusCode != 200 || resp.Header.Get("X-Amz-Function-Error") != "Unhandled" || !strings.Contains(body, want) {
				t.Errorf("%s %v %s, want %s", resp.Status, resp.Header, body, want)
			}
		})
	}
	t.Run("failed_invocation_is_not_retried", func(t *testing.T) {
		h.stop()
		shortTimeout.stop()
		for _, dir := range []string{dir, shortDir} { // a retry in the queue would run before the new event
			last := run(t, dir, in, func(c *Config) { c.Concurrency = 1 })
			send(t, last.url, dir)
			for c := in.next(t); c.id != dir; c = in.next(t) {
				if c.nth > 1 {
					t.Errorf("%s ran %d times", c.id, c.nth)
				}
			}
		}
	})
	t.Run("process_that_exits_during_init_is_an_error", func(t *testing.T) {
		broken := run(t, t.TempDir(), in, func(c *Config) { c.Env = append(c.Env, "ECHO_BROKEN=1") })
		resp, body := invoke(t, broken.url, "echo", "", `{}`)
		if resp.Header.Get("X-Amz-Function-Error") != "Unhandled" || !strings.Contains(body, "exit status 7") {
			t.Errorf("%s %s", resp.Status, body)
		}
	})
}

func TestInvokeAPI(t *testing.T) {
	h := run(t, t.TempDir(), newInstructor(t, ok))
	for _, tt := range []struct {
		name, function, kind, payload string
		status                        int
		reason                        string
	}{
		{"unknown_function_is_404", "other", "Event", `{}`, 404, "ResourceNotFoundException"},
		{"payload_that_is_not_JSON_is_400", "echo", "Event", `{`, 400, "InvalidRequestContentException"},
		{"unknown_invocation_type_is_400", "echo", "Later", `{}`, 400, "InvalidParameterValueException"},
		{"payload_over_6_MB_is_413", "echo", "Event", `"` + strings.Repeat("a", maxPayload) + `"`, 413, "RequestTooLargeException"},
		{"dry_run_is_400", "echo", "DryRun", `{}`, 400, "InvalidParameterValueException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := invoke(t, h.url, tt.function, tt.kind, tt.payload)
			if resp.StatusCode != tt.status || resp.Header.Get("X-Amzn-Errortype") != tt.reason {
				t.Errorf("%s %s %s, want %d %s", resp.Status, resp.Header.Get("X-Amzn-Errortype"), body, tt.status, tt.reason)
			}
		})
	}
}

func BenchmarkWarm(b *testing.B) {
	h := run(b, b.TempDir(), newInstructor(b, ok))
	invoke(b, h.url, "echo", "", `{"id":"a"}`)
	for b.Loop() {
		invoke(b, h.url, "echo", "", `{"id":"a"}`)
	}
}

func BenchmarkCold(b *testing.B) {
	h := run(b, b.TempDir(), newInstructor(b, func(call) string { return "exit" }))
	for b.Loop() {
		invoke(b, h.url, "echo", "", `{"id":"a"}`)
	}
}

func BenchmarkAccept(b *testing.B) {
	h := run(b, b.TempDir(), newInstructor(b, ok))
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			invoke(b, h.url, "echo", "Event", `{"id":"a"}`)
		}
	})
}
