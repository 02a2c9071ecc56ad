package runtimeapi

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestFreeze(t *testing.T) {
	t.Run("process_is_frozen_between_two_invocations", func(t *testing.T) {
		in := newInstructor(t, ok)
		h := run(t, t.TempDir(), in)
		send(t, h.url, "a")
		first := in.next(t)
		awaitFrozen(t, first.pid)
		if _, body := invoke(t, h.url, "echo", "", `{"id":"b"}`); !strings.Contains(body, `"b"`) {
			t.Errorf("the frozen function responded %s", body)
		}
		if second := in.next(t); second.pid != first.pid {
			t.Errorf("the second invocation ran in process %s, want %s", second.pid, first.pid)
		}
		awaitFrozen(t, first.pid)
	})
	t.Run("processes_that_the_function_started_are_frozen_and_end_with_it", func(t *testing.T) {
		in := newInstructor(t, ok)
		h := run(t, t.TempDir(), in, func(c *Config) { c.Env = append(c.Env, "ECHO_CHILD=exec /bin/sleep 3600") })
		send(t, h.url, "a")
		group := in.next(t).pid
		for _, pid := range awaitGroup(t, group, 2) {
			awaitFrozen(t, pid)
		}
		h.stop()
		awaitGroup(t, group, 0)
	})
	t.Run("process_is_not_frozen_before_its_stream_ends", func(t *testing.T) {
		instructions := make(chan string)
		in := newInstructor(t, func(call) string { return <-instructions })
		site := httptest.NewServer(run(t, t.TempDir(), in, func(c *Config) { c.Env = append(c.Env, "ECHO_HTTP=1") }).URL())
		t.Cleanup(site.Close)
		resp, err := http.Get(site.URL + "/?id=x")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		stream := bufio.NewReader(resp.Body)
		if _, err := stream.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		pid := in.next(t).pid
		if state := processState(pid); strings.HasPrefix(state, "T") {
			t.Errorf("the process that streams has the state %s", state)
		}
		instructions <- "ok"
		if rest, err := stream.ReadString('\n'); err != nil || rest != "done x\n" {
			t.Errorf("%q %v", rest, err)
		}
		awaitFrozen(t, pid)
	})
	t.Run("frozen_process_handles_SIGTERM_at_the_stop", func(t *testing.T) {
		in := newInstructor(t, ok)
		h := run(t, t.TempDir(), in, func(c *Config) { c.Env = append(c.Env, "ECHO_SIGTERM=1") })
		send(t, h.url, "a")
		pid := in.next(t).pid
		awaitFrozen(t, pid)
		h.stop()
		if c := in.next(t); c.id != "SIGTERM" || c.pid != pid {
			t.Errorf("next call is %s of process %s, want SIGTERM of %s", c.id, c.pid, pid)
		}
	})
	t.Run("killed_host_leaves_no_frozen_process", func(t *testing.T) {
		in := newInstructor(t, ok)
		host, url := startHost(t, t.TempDir(), in)
		send(t, url, "a")
		pid := in.next(t).pid
		awaitFrozen(t, pid)
		if err := host.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		host.Wait()
		awaitState(t, pid, func(state string) bool { return state == "" || strings.HasPrefix(state, "Z") })
	})
}

func awaitFrozen(t *testing.T, pid string) {
	t.Helper()
	awaitState(t, pid, func(state string) bool { return strings.HasPrefix(state, "T") })
}

func awaitState(t *testing.T, pid string, wanted func(string) bool) {
	t.Helper()
	eventually(t, "process "+pid+" has the wrong state", func() (string, bool) {
		state := processState(pid)
		return state, wanted(state)
	})
}

// awaitGroup waits until the process group has n processes, and returns their IDs.
func awaitGroup(t *testing.T, group string, n int) (pids []string) {
	t.Helper()
	eventually(t, "the process group has the wrong processes", func() (string, bool) {
		pids = pids[:0]
		for line := range strings.Lines(ps("-A", "-o", "pgid=,pid=,stat=")) {
			if f := strings.Fields(line); f[0] == group && !strings.HasPrefix(f[2], "Z") {
				pids = append(pids, f[1])
			}
		}
		return strings.Join(pids, " "), len(pids) == n
	})
	return pids
}

// A process does not announce that it is frozen, so eventually polls.
func eventually(t *testing.T, problem string, check func() (got string, ok bool)) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		got, ok := check()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %q", problem, got)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// processState returns "" if the process does not exist.
func processState(pid string) string { return ps("-o", "stat=", "-p", pid) }

func ps(args ...string) string {
	out, _ := exec.Command("ps", args...).Output() // fails if no process was found
	return strings.TrimSpace(string(out))
}

func startHost(t *testing.T, dir string, in *instructor) (host *exec.Cmd, url string) {
	t.Helper()
	host = exec.Command(os.Args[0])
	host.Env = append(os.Environ(), "LAMBDA_TEST_DIR="+dir, "ECHO_URL="+in.URL)
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		host.Process.Kill()
		host.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return host, strings.TrimSpace(line)
}
