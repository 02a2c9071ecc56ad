package runtimeapi

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestURL(t *testing.T) {
	told := make(chan string)
	o := giveOrders(t, func(call) string { return <-told })
	behindURL := func(c *Config) { c.Env, c.Concurrency = append(c.Env, "ECHO_HTTP=1"), 1 }
	site := httptest.NewServer(run(t, t.TempDir(), o, behindURL).URL())
	t.Cleanup(site.Close)
	ask := func(t *testing.T, site *httptest.Server, query, body, kind string) (*http.Response, *bufio.Reader) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", site.URL+"/a%2Fb"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-Echo", "heard")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp, bufio.NewReader(resp.Body)
	}

	for kind, body := range map[string]string{"application/json": `{"a":"ü"}`, "image/png": "\x89PNG\x00\xff"} {
		t.Run("the_function_gets_the_request_and_what_it_says_is_passed_on_before_it_ends/"+kind, func(t *testing.T) {
			resp, text := ask(t, site, "?id=x&y=1%202", body, kind)
			if got, err := text.ReadString('\n'); err != nil || got != "/a%2Fb?id=x&y=1%202 "+body+"\n" {
				t.Errorf("%q %v", got, err)
			}
			if resp.StatusCode != http.StatusTeapot || resp.Header.Get("X-Method") != "POST" || resp.Header.Get("X-Echo") != "heard" ||
				"http://"+resp.Header.Get("X-Host") != site.URL || len(resp.Cookies()) != 1 {
				t.Errorf("%s %v", resp.Status, resp.Header)
			}
			told <- "ok" // so it has not ended
			if rest, err := io.ReadAll(text); err != nil || string(rest) != "done x\n" {
				t.Errorf("%q %v", rest, err)
			}
		})
	}
	t.Run("a_function_that_dies_cuts_its_response", func(t *testing.T) {
		_, text := ask(t, site, "?id=x", "", "")
		told <- "exit"
		if rest, err := io.ReadAll(text); err == nil {
			t.Errorf("%q looks whole", rest)
		}
	})
	t.Run("a_function_that_takes_too_long_is_cut", func(t *testing.T) {
		hasty := run(t, t.TempDir(), giveOrders(t, hang), behindURL, func(c *Config) { c.Timeout = 5 * time.Second })
		site := httptest.NewServer(hasty.URL())
		t.Cleanup(site.Close)
		_, text := ask(t, site, "?id=hang", "", "")
		if rest, err := io.ReadAll(text); err == nil {
			t.Errorf("%q looks whole", rest)
		}
	})
	t.Run("a_client_that_leaves_does_not_end_the_function", func(t *testing.T) {
		for len(o.calls) > 0 {
			<-o.calls
		}
		resp, text := ask(t, site, "?id=first", "", "")
		if _, err := text.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		left := o.next(t)
		resp.Body.Close()
		told <- "ok"
		_, text = ask(t, site, "?id=second", "", "")
		told <- "ok"
		if rest, err := io.ReadAll(text); err != nil || !strings.HasSuffix(string(rest), "done second\n") {
			t.Errorf("%q %v", rest, err)
		}
		if next := o.next(t); next.pid != left.pid {
			t.Error("the process did not live to answer again")
		}
	})
	t.Run("a_function_that_does_not_start_is_502", func(t *testing.T) {
		broken := run(t, t.TempDir(), o, func(c *Config) { c.Env = append(c.Env, "ECHO_BROKEN=1") })
		w := httptest.NewRecorder()
		broken.URL().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != http.StatusBadGateway {
			t.Errorf("status %d", w.Code)
		}
	})
}
