// Package supervisor builds programs from this module's source and runs them as child processes. A process that exits is
// restarted until its context is cancelled. On Linux, all processes die with this program.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"triptych/emulators/childprocess"
)

// stopTimeout is the time between SIGTERM and SIGKILL. It is short because the developer waits for the program to exit
// after Ctrl-C. Interrupted work is retried after the next start.
const stopTimeout = 5 * time.Second

// The pause between the exit of a process and its restart starts at minPause. It doubles after each exit, up to
// maxPause, and is reset when a process has run for stableAfter.
const (
	minPause    = 50 * time.Millisecond
	maxPause    = 5 * time.Second
	stableAfter = 10 * time.Second
)

// Process is a program that Run keeps running.
type Process struct {
	name, path string
	args, env  []string
	log        string
	output     io.Writer
	pid        atomic.Int64
	signalled  atomic.Bool // by Signal, so that the next exit does not mean that the program is broken

	mu      sync.Mutex
	changed *sync.Cond // after each change of running and stopped, and when Run's context is cancelled
	running bool
	stopped bool // no restart until Start
	cancel  context.CancelFunc
}

// New returns a process that appends its output to dir/name.log and reports restarts to output.
func New(name, path string, args, env []string, dir string, output io.Writer) *Process {
	p := &Process{name: name, path: path, args: args, env: env, log: filepath.Join(dir, name+".log"), output: output}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// Log returns the path of the log file.
func (p *Process) Log() string { return p.log }

// PID returns the process ID, or 0 while no process runs.
func (p *Process) PID() int { return int(p.pid.Load()) }

// Run keeps the process running until ctx is cancelled, then stops it.
func (p *Process) Run(ctx context.Context) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", p.name, err)
	}
	defer log.Close()
	defer context.AfterFunc(ctx, func() {
		p.mu.Lock() // or begin could miss the broadcast between its check of ctx and Wait
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})()
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		running := p.begin(ctx)
		started := time.Now()
		err := p.runOnce(running, log)
		stopped := running.Err() != nil
		p.end()
		if ctx.Err() != nil {
			return nil
		}
		if p.signalled.Swap(false) || time.Since(started) > stableAfter {
			pause = minPause
		}
		if stopped {
			continue
		}
		fmt.Fprintf(p.output, "%s exited (%v) and is restarted; its log is %s\n", p.name, err, p.log)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// begin waits while the process is stopped. It returns the context for the next start of the process.
func (p *Process) begin(ctx context.Context) (running context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stopped && ctx.Err() == nil {
		p.changed.Wait()
	}
	p.running = true
	running, p.cancel = context.WithCancel(ctx)
	return running
}

func (p *Process) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = false
	p.cancel()
	p.changed.Broadcast()
}

func (p *Process) runOnce(ctx context.Context, log io.Writer) error {
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Env = p.env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	if err := childprocess.Start(cmd); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	p.pid.Store(int64(cmd.Process.Pid))
	defer p.pid.Store(0)
	if err := cmd.Wait(); err != nil {
		return err
	}
	return errors.New("exit status 0")
}

// Stop stops the process, waits until it has exited, and prevents its restart until Start.
func (p *Process) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	for p.running && p.stopped {
		p.cancel()
		p.changed.Wait()
	}
}

// Start undoes Stop.
func (p *Process) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = false
	p.changed.Broadcast()
}

// Signal sends a signal to the process. If the signal ends the process, Run restarts it.
func (p *Process) Signal(signal syscall.Signal) error {
	pid := p.PID()
	if pid == 0 {
		return fmt.Errorf("%s is not running", p.name)
	}
	p.signalled.Store(true)
	return syscall.Kill(pid, signal)
}
