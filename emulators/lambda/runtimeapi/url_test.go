package runtimeapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestURL(t *testing.T) {
	instructions := make(chan string)
	in := newInstructor(t, func(call) string { return <-instructions })
	serveHTTP := func(c *Config) { c.Env, c.Concurrency = append(c.Env, "ECHO_HTTP=1"), 1 }
	site := httptest.NewServer(run(t, t.TempDir(), in, serveHTTP).URL())
	t.Cleanup(site.Close)
	post := func(t *testing.T, site *httptest.Server, query, body, kind string) (*http.Response, *bufio.Reader) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", site.URL+"/a%2Fb"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-Echo", "echoed")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp, bufio.NewReader(resp.Body)
	}

	for kind, body := range map[string]string{"application/json": `{"a":"ü"}`, "image/png": "\x89PNG\x00\xff"} {
		t.Run("response_is_streamed_before_the_function_ends/"+kind, func(t *testing.T) {
			resp, text := post(t, site, "?id=x&y=1%202", body, kind)
			if got, err := text.ReadString('\n'); err != nil || got != "/a%2Fb?id=x&y=1%202 "+body+"\n" {
				t.Errorf("%q %v", got, err)
			}
			if resp.StatusCode != http.StatusTeapot || resp.Header.Get("X-Method") != "POST" || resp.Header.Get("X-Echo") != "echoed" ||
				"http://"+resp.Header.Get("X-Host") != site.URL || len(resp.Cookies()) != 1 {
				t.Errorf("%s %v", resp.Status, resp.Header)
			}
			instructions <- "ok" // the function has not ended before this
			if rest, err := io.ReadAll(text); err != nil || string(rest) != "done x\n" {
				t.Errorf("%q %v", rest, err)
			}
		})
	}
	t.Run("response_is_incomplete_if_the_function_exits", func(t *testing.T) {
		_, text := post(t, site, "?id=x", "", "")
		instructions <- "exit"
		if rest, err := io.ReadAll(text); err == nil {
			t.Errorf("%q looks complete", rest)
		}
	})
	t.Run("response_is_incomplete_after_a_timeout", func(t *testing.T) {
		host := run(t, t.TempDir(), newInstructor(t, hang), serveHTTP, func(c *Config) { c.Timeout = 5 * time.Second })
		site := httptest.NewServer(host.URL())
		t.Cleanup(site.Close)
		_, text := post(t, site, "?id=hang", "", "")
		if rest, err := io.ReadAll(text); err == nil {
			t.Errorf("%q looks complete", rest)
		}
	})
	t.Run("function_continues_when_the_client_disconnects", func(t *testing.T) {
		for len(in.calls) > 0 {
			<-in.calls
		}
		resp, text := post(t, site, "?id=first", "", "")
		if _, err := text.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		first := in.next(t)
		resp.Body.Close()
		instructions <- "ok"
		_, text = post(t, site, "?id=second", "", "")
		instructions <- "ok"
		if rest, err := io.ReadAll(text); err != nil || !strings.HasSuffix(string(rest), "done second\n") {
			t.Errorf("%q %v", rest, err)
		}
		if next := in.next(t); next.pid != first.pid {
			t.Error("the second request ran in another process")
		}
	})
	t.Run("function_that_exits_during_init_is_502", func(t *testing.T) {
		broken := run(t, t.TempDir(), in, func(c *Config) { c.Env = append(c.Env, "ECHO_BROKEN=exit") })
		w := httptest.NewRecorder()
		broken.URL().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != http.StatusBadGateway {
			t.Errorf("status %d", w.Code)
		}
	})
	t.Run("function_that_does_not_stream_is_502_and_logged", func(t *testing.T) {
		var log bytes.Buffer
		previous := slog.Default()
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})))
		defer slog.SetDefault(previous)
		buffered := run(t, t.TempDir(), newInstructor(t, ok))
		w := httptest.NewRecorder()
		buffered.URL().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != http.StatusBadGateway || !strings.Contains(log.String(), "the function returned a buffered response: stream it") {
			t.Errorf("status %d, log %s", w.Code, &log)
		}
	})
}

func TestPrelude(t *testing.T) {
	for name, tt := range map[string]struct {
		prelude string
		status  int // 0 if the prelude is invalid
	}{
		"status_is_read":                     {`{"statusCode":404}`, 404},
		"missing_status_is_200":              {`{"headers":{"x-a":"b"}}`, 200},
		"status_below_200_is_invalid":        {`{"statusCode":101}`, 0},
		"status_above_599_is_invalid":        {`{"statusCode":1000}`, 0},
		"status_that_is_a_text_is_invalid":   {`{"statusCode":"201"}`, 0},
		"negative_status_is_invalid":         {`{"statusCode":-1}`, 0},
		"prelude_that_is_no_JSON_is_invalid": {`statusCode`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := bufio.NewReader(strings.NewReader(tt.prelude + strings.Repeat("\x00", 8) + "body"))
			got, err := readPrelude(r)
			if tt.status == 0 {
				if err == nil {
					t.Errorf("status %d", got.StatusCode)
				}
				return
			}
			rest, _ := io.ReadAll(r)
			if err != nil || got.StatusCode != tt.status || string(rest) != "body" {
				t.Errorf("status %d, body %q, %v; want %d", got.StatusCode, rest, err, tt.status)
			}
		})
	}
}

// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload
func TestURLEvent(t *testing.T) {
	h := run(t, t.TempDir(), newInstructor(t, ok), func(c *Config) { c.Env = append(c.Env, "ECHO_EVENT=1") })
	send := func(t *testing.T, body, kind string, cookies ...string) (event struct {
		RouteKey        string
		Cookies         []string
		Headers         map[string]string
		Body            *string
		IsBase64Encoded *bool
		RequestContext  struct{ RouteKey, Stage, AccountID, APIID, DomainPrefix, RequestID string }
	}) {
		t.Helper()
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		r.Header["Cookie"] = cookies
		w := httptest.NewRecorder()
		h.URL().ServeHTTP(w, r)
		if err := json.Unmarshal(w.Body.Bytes(), &event); err != nil {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		return event
	}
	t.Run("route_and_stage_are_$default", func(t *testing.T) {
		e := send(t, "", "")
		if c := e.RequestContext; e.RouteKey != "$default" || c.RouteKey != "$default" || c.Stage != "$default" || c.AccountID != "anonymous" ||
			c.APIID == "" || c.DomainPrefix == "" || c.RequestID == "" || e.Headers["x-amzn-trace-id"] == "" {
			t.Errorf("%+v", e)
		}
	})
	t.Run("cookies_are_listed_and_remain_in_the_headers", func(t *testing.T) {
		e := send(t, "", "", "a=1; b=2", "c=3,4")
		if !slices.Equal(e.Cookies, []string{"a=1", "b=2", "c=3,4"}) || e.Headers["cookie"] != "a=1; b=2; c=3,4" {
			t.Errorf("%q %q", e.Cookies, e.Headers["cookie"])
		}
	})
	for _, tt := range []struct {
		name, body, kind string
		encoded          bool
	}{
		{"empty_body_is_not_base64", "", "", false},
		{"empty_picture_is_not_base64", "", "image/png", false},
		{"text_is_not_base64", "{}", "application/json", false},
		{"picture_is_base64", "\x89PNG", "image/png", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if e := send(t, tt.body, tt.kind); e.IsBase64Encoded == nil || *e.IsBase64Encoded != tt.encoded || (e.Body == nil) != (tt.body == "") {
				t.Errorf("%+v", e)
			}
		})
	}
}
