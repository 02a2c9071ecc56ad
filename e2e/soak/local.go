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

type local struct {
	executable, dataDir string
	endpoints           stack.Endpoints
	cmd                 *exec.Cmd
}

func startLocal(ctx context.Context, executable, dataDir string) (*local, error) {
	l := &local{executable: executable, dataDir: dataDir}
	return l, l.start(ctx, "127.0.0.1:0")
}

// restart uses the same ports as before.
func (l *local) restart(ctx context.Context) error {
	return l.start(ctx, strings.TrimPrefix(l.endpoints.Site, "http://"))
}

func (l *local) start(ctx context.Context, addr string) error {
	l.cmd = exec.Command(l.executable, "-data", l.dataDir, "-addr", addr)
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that Ctrl-C reaches only this program
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	l.cmd.Stderr = l.cmd.Stdout
	if err := l.cmd.Start(); err != nil {
		return fmt.Errorf("starting local: %w", err)
	}
	defer context.AfterFunc(ctx, l.kill)()
	var output []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		output = append(output, lines.Text())
		if strings.HasPrefix(lines.Text(), "Take a picture at ") {
			go io.Copy(io.Discard, out) // local would block on a full pipe
			return l.readEndpoints()
		}
	}
	return fmt.Errorf("local ended before it was ready:\n%s", strings.Join(output, "\n"))
}

func (l *local) readEndpoints() error {
	b, err := os.ReadFile(filepath.Join(l.dataDir, "endpoints.json"))
	if err != nil {
		return fmt.Errorf("reading the endpoints: %w", err)
	}
	if err := json.Unmarshal(b, &l.endpoints); err != nil {
		return fmt.Errorf("reading the endpoints: %w", err)
	}
	return nil
}

func (l *local) kill() {
	if l.cmd.Process.Kill() == nil {
		_ = l.cmd.Wait() // always an error after SIGKILL
	}
}

var errNotRunning = errors.New("the program is not running")

func (l *local) killChild(name string) error {
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,comm=").Output()
	if err != nil {
		return fmt.Errorf("listing the processes: %w", err)
	}
	parent, killed := strconv.Itoa(l.cmd.Process.Pid), false
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[1] != parent || filepath.Base(f[2]) != name {
			continue
		}
		pid, err := strconv.Atoi(f[0])
		if err != nil {
			return fmt.Errorf("listing the processes: %w", err)
		}
		killed = syscall.Kill(pid, syscall.SIGKILL) == nil || killed
	}
	if !killed {
		return errNotRunning
	}
	return nil
}
