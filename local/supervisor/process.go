// Package supervisor builds this module's programs and keeps them running as child processes. On Linux, child
// processes end with the program that started them.
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

const stopTimeout = 5 * time.Second

// The pause before a restart doubles after each exit. A call of Signal, or a run longer than stableAfter, resets the
// pause to minPause.
const (
	minPause    = 50 * time.Millisecond
	maxPause    = 5 * time.Second
	stableAfter = 10 * time.Second
)

type Process struct {
	name, path string
	args, env  []string
	log        string
	output     io.Writer
	pid        atomic.Int64
	signalled  atomic.Bool // by Signal: the next exit does not mean that the program is broken

	mu      sync.Mutex
	changed *sync.Cond         // signalled when cancel or stopped changes, and when Run's context is cancelled
	cancel  context.CancelFunc // stops the process; nil if it is not running
	stopped bool               // no restart until Start
}

// New returns a process whose log is dir/name.log. Restarts are reported to output.
func New(name, path string, args, env []string, dir string, output io.Writer) *Process {
	p := &Process{name: name, path: path, args: args, env: env, log: filepath.Join(dir, name+".log"), output: output}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// SetPath sets a path that was unknown when New was called. It must be called before Run.
func (p *Process) SetPath(path string) { p.path = path }

func (p *Process) Log() string { return p.log }

// PID returns 0 while the process does not run.
func (p *Process) PID() int { return int(p.pid.Load()) }

// Run restarts the process after each exit, until ctx is cancelled.
func (p *Process) Run(ctx context.Context) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", p.name, err)
	}
	defer log.Close()
	defer context.AfterFunc(ctx, func() {
		p.mu.Lock() // without the lock, begin could miss the broadcast between its check of ctx and Wait
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

// begin blocks while the process is stopped.
func (p *Process) begin(ctx context.Context) (running context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stopped && ctx.Err() == nil {
		p.changed.Wait()
	}
	running, p.cancel = context.WithCancel(ctx)
	return running
}

func (p *Process) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel()
	p.cancel = nil
	p.changed.Broadcast()
}

func (p *Process) runOnce(ctx context.Context, log io.Writer) error {
	// Without the umask, Temporal's databases would create files with mode 0644.
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", `umask 077; exec "$0" "$@"`, p.path}, p.args...)...)
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

// Stop returns after the process has exited. The process stays stopped until Start is called.
func (p *Process) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	for p.cancel != nil && p.stopped {
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

// If the signal ends the process, Run restarts the process.
func (p *Process) Signal(signal syscall.Signal) error {
	pid := p.PID()
	if pid == 0 {
		return fmt.Errorf("%s is not running", p.name)
	}
	p.signalled.Store(true)
	return syscall.Kill(pid, signal)
}
