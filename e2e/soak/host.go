package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"triptych/local/stack"
)

// host is the one process of local, in which Cloud Vision, Cosmos DB and the Lambda's host run, and with which all other
// programs die.
type host struct {
	program, dir string
	endpoints    stack.Endpoints
	cmd          *exec.Cmd
}

// launch starts local on free ports, and returns once pictures can be taken.
func launch(ctx context.Context, program, dir string) (*host, error) {
	h := &host{program: program, dir: dir}
	return h, h.start(ctx, "127.0.0.1:0")
}

// again starts it where it was, once it was killed.
func (h *host) again(ctx context.Context) error {
	return h.start(ctx, strings.TrimPrefix(h.endpoints.Site, "http://"))
}

func (h *host) start(ctx context.Context, addr string) error {
	h.cmd = exec.Command(h.program, "-data", h.dir, "-addr", addr)
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	h.cmd.Stderr = h.cmd.Stdout
	if err := h.cmd.Start(); err != nil {
		return fmt.Errorf("starting local: %w", err)
	}
	defer context.AfterFunc(ctx, h.kill)()
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		if strings.HasPrefix(lines.Text(), "Take a picture at ") {
			go io.Copy(io.Discard, out) // it must not block on what nobody reads
			return h.locate()
		}
	}
	return fmt.Errorf("local ended before it was ready:\n%s", strings.Join(said, "\n"))
}

func (h *host) locate() error {
	b, err := os.ReadFile(filepath.Join(h.dir, "endpoints.json"))
	if err != nil {
		return fmt.Errorf("finding out where everything is: %w", err)
	}
	if err := json.Unmarshal(b, &h.endpoints); err != nil {
		return fmt.Errorf("finding out where everything is: %w", err)
	}
	return nil
}

// kill sends SIGKILL, and waits for the end.
func (h *host) kill() {
	if h.cmd.Process.Kill() == nil {
		_ = h.cmd.Wait() // it was killed
	}
}

var errNotRunning = errors.New("it is not running")

// killChild sends SIGKILL to one of local's programs.
func (h *host) killChild(name string) error {
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,comm=").Output()
	if err != nil {
		return fmt.Errorf("looking for processes: %w", err)
	}
	parent, killed := strconv.Itoa(h.cmd.Process.Pid), false
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[1] != parent || filepath.Base(f[2]) != name {
			continue
		}
		pid, err := strconv.Atoi(f[0])
		if err != nil {
			return fmt.Errorf("looking for processes: %w", err)
		}
		killed = syscall.Kill(pid, syscall.SIGKILL) == nil || killed
	}
	if !killed {
		return errNotRunning
	}
	return nil
}
