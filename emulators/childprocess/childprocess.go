// Package childprocess starts child processes of this program. On Linux, a child process is killed when this program
// ends, even if this program itself is killed, but on other systems, child processes can survive.
package childprocess

import (
	"os/exec"
	"runtime"
	"syscall"
)

var starts = make(chan func())

// A single thread starts all child processes. This thread never ends, because Linux sends a child process the
// parent-death signal when the thread that started the process ends.
func init() {
	go func() {
		runtime.LockOSThread()
		for start := range starts {
			start()
		}
	}()
}

// Start starts cmd in a process group of its own, so that Ctrl-C in the terminal does not interrupt cmd.
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
