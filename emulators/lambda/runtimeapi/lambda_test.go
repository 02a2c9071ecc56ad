package runtimeapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var bootstrap string // the built testdata/echo

func TestMain(m *testing.M) {
	if dir := os.Getenv("LAMBDA_TEST_DIR"); dir != "" {
		hostForever(dir)
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "echo")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bootstrap = filepath.Join(dir, "bootstrap")
	if out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./testdata/echo").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the function: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// orders is the server that tells the function what to do, and sees what it is given.
type orders struct {
	*httptest.Server
	calls chan call
}

type call struct {
	id, pid string
	nth     int             // of this id, from 1
	gone    context.Context // ends with the function's process
}

// giveOrders answers each call with what do returns: ok, fail, panic or exit.
func giveOrders(t testing.TB, do func(call) string) *orders {
	t.Helper()
	o := &orders{calls: make(chan call, 1<<16)}
	var mu sync.Mutex
	seen := map[string]int{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call{id: r.FormValue("id"), pid: r.FormValue("pid"), gone: r.Context()}
		mu.Lock()
		seen[c.id]++
		c.nth = seen[c.id]
		mu.Unlock()
		o.calls <- c
		io.WriteString(w, do(c))
	}))
	t.Cleanup(o.Close)
	return o
}

func ok(call) string { return "ok" }

// once does it the first time and is ok afterwards.
func once(what string) func(call) string {
	return func(c call) string {
		if c.nth == 1 {
			return what
		}
		return "ok"
	}
}

// hang lasts as long as the function's process.
func hang(c call) string {
	<-c.gone.Done()
	return "ok"
}

type running struct {
	*Host
	url  string
	stop func()
}

// run starts a host on dir that takes orders, until the test ends or stop is called.
func run(t testing.TB, dir string, o *orders, change ...func(*Config)) *running {
	t.Helper()
	c := Config{
		Name: "echo", Bootstrap: bootstrap, Dir: dir, Env: []string{"ECHO_URL=" + o.URL},
		Timeout: time.Minute, Concurrency: 4, Backoff: []time.Duration{time.Millisecond, time.Millisecond},
	}
	for _, f := range change {
		f(&c)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(h)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		api.Close()
	})
	t.Cleanup(stop)
	return &running{h, api.URL, stop}
}

// invoke posts to the Invoke API.
func invoke(t testing.TB, url, name, kind, payload string) (*http.Response, string) {
	t.Helper()
	resp, body, err := tryInvoke(t, url, name, kind, payload)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func tryInvoke(t testing.TB, url, name, kind, payload string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(t.Context(), "POST", url+"/2015-03-31/functions/"+name+"/invocations", strings.NewReader(payload))
	if err != nil {
		return nil, "", err
	}
	if kind != "" {
		req.Header.Set("X-Amz-Invocation-Type", kind)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func send(t testing.TB, url, id string) {
	t.Helper()
	if err := trySend(t, url, id); err != nil {
		t.Fatal(err)
	}
}

// trySend is send for other goroutines than the test's own.
func trySend(t testing.TB, url, id string) error {
	t.Helper()
	resp, body, err := tryInvoke(t, url, "echo", "Event", `{"id":"`+id+`"}`)
	if err == nil && (resp.StatusCode != http.StatusAccepted || body != "") {
		err = fmt.Errorf("the event got %s %s, want 202", resp.Status, body)
	}
	return err
}

func (o *orders) next(t testing.TB) call {
	t.Helper()
	select {
	case c := <-o.calls:
		return c
	case <-time.After(2 * time.Minute):
		t.Fatal("the function was not called")
		return call{}
	}
}
