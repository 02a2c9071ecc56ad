package runtimeapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

var bootstrap = os.Args[0]

func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		runFunction()
	}
	if dir := os.Getenv("LAMBDA_TEST_DIR"); dir != "" {
		hostForever(dir)
	}
	os.Exit(m.Run())
}

type instructor struct {
	*httptest.Server
	calls chan call
}

type call struct {
	id, pid string
	nth     int             // number of this call with the same id, from 1
	process context.Context // ends with the function's process
}

// instruct returns "ok", "fail", "panic", "exit" or "exit-0".
func newInstructor(t testing.TB, instruct func(call) string) *instructor {
	t.Helper()
	in := &instructor{calls: make(chan call, 1<<16)}
	var mu sync.Mutex
	seen := map[string]int{}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call{id: r.FormValue("id"), pid: r.FormValue("pid"), process: r.Context()}
		mu.Lock()
		seen[c.id]++
		c.nth = seen[c.id]
		mu.Unlock()
		in.calls <- c
		io.WriteString(w, instruct(c))
	}))
	t.Cleanup(in.Close)
	return in
}

func ok(call) string { return "ok" }

func once(instruction string) func(call) string {
	return func(c call) string {
		if c.nth == 1 {
			return instruction
		}
		return "ok"
	}
}

func hang(c call) string {
	<-c.process.Done()
	return "ok"
}

type running struct {
	*Host
	url  string
	stop func()
}

func run(t testing.TB, dir string, in *instructor, change ...func(*Config)) *running {
	t.Helper()
	c := Config{
		Name: "echo", Bootstrap: bootstrap, Dir: dir, Env: []string{"ECHO_URL=" + in.URL},
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

// trySend does not call t.Fatal, so any goroutine may call trySend.
func trySend(t testing.TB, url, id string) error {
	t.Helper()
	resp, body, err := tryInvoke(t, url, "echo", "Event", `{"id":"`+id+`"}`)
	if err == nil && (resp.StatusCode != http.StatusAccepted || body != "") {
		err = fmt.Errorf("response %s %s, want 202", resp.Status, body)
	}
	return err
}

func (in *instructor) next(t testing.TB) call {
	t.Helper()
	select {
	case c := <-in.calls:
		return c
	case <-time.After(2 * time.Minute):
		t.Fatal("the function was not called")
		return call{}
	}
}
