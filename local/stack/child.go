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
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// graceful is how long a child that is told to stop may take before it is killed. What it was doing is taken
// up again at the next start, so this is for the person at the keyboard.
const graceful = 5 * time.Second

// child is one program that is kept running: it is started again whenever it dies, unless it is held.
type child struct {
	name string
	path string
	args []string
	env  []string
	dir  string // for its log
	say  io.Writer
	pid  atomic.Int64
	told atomic.Bool // it was sent a signal, so its end is no sign that it cannot run

	mu       sync.Mutex
	released chan struct{} // closed when it is held no longer; nil when it is not held
	stop     func()        // the process of now
	ended    chan struct{} // closed when that is gone; nil before the first
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
	const shortest = 50 * time.Millisecond
	for pause := shortest; ; pause = min(2*pause, 5*time.Second) {
		running, ended := c.turn(ctx)
		started := time.Now()
		err := c.once(running, log)
		held := running.Err() != nil
		c.stop()
		close(ended)
		if ctx.Err() != nil {
			return nil
		}
		if c.told.Swap(false) || time.Since(started) > 10*time.Second {
			pause = shortest
		}
		if held {
			continue
		}
		fmt.Fprintf(c.say, "%s died (%v) and is started again; its log is %s\n", c.name, err, c.log())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// turn waits while the child is held. The context is that of the next process, and ended is to be closed with it.
func (c *child) turn(ctx context.Context) (running context.Context, ended chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.released != nil && ctx.Err() == nil {
		released := c.released
		c.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-released:
		}
		c.mu.Lock()
	}
	running, c.stop = context.WithCancel(ctx)
	c.ended = make(chan struct{})
	return running, c.ended
}

// hold stops the child, returns when it is gone, and keeps it from being started again until release.
func (c *child) hold() {
	c.mu.Lock()
	if c.released == nil {
		c.released = make(chan struct{})
	}
	stop, ended := c.stop, c.ended
	c.mu.Unlock()
	if ended != nil {
		stop()
		<-ended
	}
}

func (c *child) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released != nil {
		close(c.released)
		c.released = nil
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
