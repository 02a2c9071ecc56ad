package supervisor

import (
	"context"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func startSleep(t *testing.T) *Process {
	t.Helper()
	p := New("sleep", "/bin/sleep", []string{"60"}, nil, t.TempDir(), io.Discard)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run failed: %v", err)
		}
		if p.PID() != 0 {
			t.Error("the process still runs after Run")
		}
	})
	waitForNewPID(t, p, 0)
	return p
}

func waitForNewPID(t *testing.T, p *Process, before int) int {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if pid := p.PID(); pid != 0 && pid != before {
			return pid
		}
	}
	t.Fatal("the process does not run")
	return 0
}

func TestProcess(t *testing.T) {
	t.Run("restarts_after_a_signal", func(t *testing.T) {
		p := startSleep(t)
		before := p.PID()
		if err := p.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		waitForNewPID(t, p, before)
	})
	t.Run("does_not_run_between_Stop_and_Start", func(t *testing.T) {
		p := startSleep(t)
		before := p.PID()
		p.Stop()
		p.Stop()
		if p.PID() != 0 || syscall.Kill(before, 0) == nil {
			t.Error("the process runs after Stop")
		}
		if err := p.Signal(syscall.SIGTERM); err == nil {
			t.Error("Signal succeeded after Stop")
		}
		p.Start()
		waitForNewPID(t, p, before)
	})
	t.Run("ends_while_stopped_when_its_context_is_cancelled", func(t *testing.T) {
		startSleep(t).Stop() // the cleanup function waits for Run
	})
	t.Run("reports_an_exit_with_the_path_of_the_log", func(t *testing.T) {
		reader, writer := io.Pipe()
		p := New("false", "/bin/false", nil, os.Environ(), t.TempDir(), writer)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		message := make([]byte, 1000)
		n, err := reader.Read(message)
		cancel()
		reader.Close()
		if <-ended; err != nil || !strings.Contains(string(message[:n]), p.Log()) {
			t.Errorf("reported %q, %v", message[:n], err)
		}
	})
}
