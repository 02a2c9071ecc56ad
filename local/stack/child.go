package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// graceful is how long a child that is told to stop may take before it is killed. What it was doing is taken
// up again at the next start, so this is for the person at the keyboard.
const graceful = 5 * time.Second

// child is one program that is kept running: it is started again whenever it dies.
type child struct {
	name string
	path string
	args []string
	env  []string
	dir  string // for its log
	say  io.Writer
	pid  atomic.Int64
}

// run keeps the child running until ctx ends, then stops it.
func (c *child) run(ctx context.Context) error {
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", c.name, err)
	}
	defer log.Close()
	// A child dies with the thread that started it (see dieWithParent), so that thread must last.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		started := time.Now()
		err := c.once(ctx, log)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(started) > 10*time.Second {
			pause = 50 * time.Millisecond
		}
		fmt.Fprintf(c.say, "%s died (%v) and is started again; its log is %s\n", c.name, err, c.log())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func (c *child) once(ctx context.Context, log io.Writer) error {
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Env = c.env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = graceful
	// A group of its own: Ctrl-C at the terminal reaches only us, and we stop the product before its clouds.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", c.name, err)
	}
	c.pid.Store(int64(cmd.Process.Pid))
	defer c.pid.Store(0)
	if err := cmd.Wait(); err != nil {
		return err
	}
	return errors.New("it ended by itself")
}

func (c *child) log() string { return filepath.Join(c.dir, c.name+".log") }
