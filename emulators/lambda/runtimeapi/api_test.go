package runtimeapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
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
		"fail":   `"instructed to fail"`,
		"panic":  `"instructed to panic"`,
		"exit":   ` Error: Runtime exited with error: exit status 3","errorType":"Runtime.ExitError"`,
		"exit-0": ` Error: Runtime exited without providing a reason","errorType":"Runtime.ExitError"`,
		"hang":   `"Sandbox.Timedout"`,
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
		broken := run(t, t.TempDir(), in, func(c *Config) { c.Env = append(c.Env, "ECHO_BROKEN=exit") })
		resp, body := invoke(t, broken.url, "echo", "", `{}`)
		if resp.Header.Get("X-Amz-Function-Error") != "Unhandled" || !strings.Contains(body, "Runtime exited with error: exit status 7") {
			t.Errorf("%s %s", resp.Status, body)
		}
	})
}

func TestInitError(t *testing.T) {
	in := newInstructor(t, ok)
	for _, tt := range []struct{ name, body, broken, want string }{
		{"error_of_a_process_that_exits_is_returned", `{"errorType":"A","errorMessage":"b"}`, "", `{"errorType":"A","errorMessage":"b"}`},
		{"error_of_a_process_that_does_not_exit_is_returned", `{"errorType":"A","errorMessage":"b"}`, "hang", `{"errorType":"A","errorMessage":"b"}`},
		{"error_that_is_not_JSON_is_returned_with_the_type_in_the_header", "no such file", "", `{"errorMessage":"no such file","errorType":"Runtime.FromTheHeader"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := run(t, t.TempDir(), in, func(c *Config) { c.Env = append(c.Env, "ECHO_INIT_ERROR="+tt.body, "ECHO_BROKEN="+tt.broken) })
			for range 2 { // each invocation starts a process
				resp, body := invoke(t, h.url, "echo", "", `{}`)
				if resp.Header.Get("X-Amz-Function-Error") != "Unhandled" || body != tt.want {
					t.Errorf("%s %s, want %s", resp.Status, body, tt.want)
				}
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	h := run(t, t.TempDir(), newInstructor(t, func(call) string { return "environment" }))
	_, body := invoke(t, h.url, "echo", "", `{}`)
	var got struct{ ID string }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for line := range strings.Lines(got.ID) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		variables[name] = value
	}
	for name, want := range map[string]string{
		"AWS_LAMBDA_LOG_GROUP_NAME": "^/aws/lambda/echo$", "AWS_LAMBDA_LOG_STREAM_NAME": `^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`,
		"AWS_LAMBDA_LOG_FORMAT": "^Text$", "AWS_LAMBDA_INITIALIZATION_TYPE": "^on-demand$", "_X_AMZN_TRACE_ID": "^Root=1-[0-9a-f]{8}-[0-9a-f]{24};",
	} {
		t.Run(name+"_is_as_on_AWS", func(t *testing.T) {
			if !regexp.MustCompile(want).MatchString(variables[name]) {
				t.Errorf("%q, want %s", variables[name], want)
			}
		})
	}
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html: not defined for functions with a bootstrap
	t.Run("AWS_EXECUTION_ENV_is_missing", func(t *testing.T) {
		if value, ok := variables["AWS_EXECUTION_ENV"]; ok {
			t.Errorf("%q", value)
		}
	})
}

func TestTrace(t *testing.T) {
	h := run(t, t.TempDir(), newInstructor(t, func(call) string { return "environment" }))
	t.Run("trace_of_the_caller_reaches_the_function", func(t *testing.T) {
		const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
		r := httptest.NewRequest("POST", "/2015-03-31/functions/echo/invocations", strings.NewReader(`{}`))
		r.Header.Set("X-Amzn-Trace-Id", trace)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Header().Get("X-Amzn-Trace-Id") != trace || !strings.Contains(w.Body.String(), "_X_AMZN_TRACE_ID="+trace) {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
	})
}

func TestTail(t *testing.T) {
	const lineless = `while :; do printf %01000d 0; done`
	h := run(t, t.TempDir(), newInstructor(t, ok), func(c *Config) { c.Concurrency, c.Env = 1, append(c.Env, "ECHO_CHILD="+lineless) })
	t.Run("log_ends_with_the_report_while_a_child_prints_without_newlines", func(t *testing.T) {
		for range 5 {
			r, err := http.NewRequest("POST", h.url+"/2015-03-31/functions/echo/invocations", strings.NewReader(`{"id":"ok"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Log-Type", "Tail")
			resp, err := (&http.Client{Timeout: time.Minute}).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			log, err := base64.StdEncoding.DecodeString(resp.Header.Get("X-Amz-Log-Result"))
			_, report, _ := strings.Cut(string(log), "\nREPORT RequestId: ")
			if err != nil || !strings.HasSuffix(report, "\tMemory Size: 128 MB\n") || strings.Count(report, "\n") != 1 {
				t.Errorf("%q %v", log, err)
			}
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
		{"payload_over_6_MB_is_413", "echo", "Event", `"` + strings.Repeat("a", 6<<20-1) + `"`, 413, "RequestTooLargeException"},
		{"dry_run_is_204", "echo", "DryRun", `{}`, 204, ""},
		{"dry_run_of_an_unknown_function_is_404", "other", "DryRun", `{}`, 404, "ResourceNotFoundException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := invoke(t, h.url, tt.function, tt.kind, tt.payload)
			if resp.StatusCode != tt.status || resp.Header.Get("X-Amzn-Errortype") != tt.reason {
				t.Errorf("%s %s %s, want %d %s", resp.Status, resp.Header.Get("X-Amzn-Errortype"), body, tt.status, tt.reason)
			}
		})
	}
	for _, function := range []string{"other", "other:$LATEST", "echo:1"} {
		t.Run("message_about_the_missing_function_"+function+"_contains_its_name_once", func(t *testing.T) {
			if _, body := invoke(t, h.url, function, "DryRun", `{}`); !strings.Contains(body, `"Function not found: `+function+`"`) {
				t.Errorf("%s", body)
			}
		})
	}
	t.Run("payload_with_the_content_type_of_a_form_reaches_the_function", func(t *testing.T) { // curl -d sends this type
		r := httptest.NewRequest("POST", "/2015-03-31/functions/echo/invocations", strings.NewReader(`{"id":"form"}`))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"id":"form"`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
	t.Run("client_context_that_is_not_base64_JSON_is_400", func(t *testing.T) {
		for _, value := range []string{"!", base64.StdEncoding.EncodeToString([]byte("{"))} {
			r := httptest.NewRequest("POST", "/2015-03-31/functions/echo/invocations", strings.NewReader(`{}`))
			r.Header.Set("X-Amz-Client-Context", value)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 400 || w.Header().Get("X-Amzn-Errortype") != "InvalidRequestContentException" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
	})
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
