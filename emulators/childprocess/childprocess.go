// Package childprocess starts processes that die with this program. On Linux, they die even if this program is
// killed. Other systems have no parent-death signal, so the developer must kill orphaned processes.
package childprocess

import (
	"os/exec"
	"runtime"
	"syscall"
)

var starts = make(chan func())

// One thread, which never ends, starts all processes: Linux sends the parent-death signal when the thread that started the
// process ends.
func init() {
	go func() {
		runtime.LockOSThread()
		for start := range starts {
			start()
		}
	}()
}

// Start starts cmd in a process group of its own, so that it does not receive Ctrl-C from the terminal.
func Start(cmd *exec.Cmd) (err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	done := make(chan struct{})
	starts <- func() {
		err = cmd.Start()
		close(done)
	}
	<-done
	return err
}
