// Package childprocess starts processes that Linux kills when their parent process ends.
package childprocess

import (
	"os/exec"
	"runtime"
	"syscall"
)

var starts = make(chan func())

// With Pdeathsig, Linux kills a child process when the thread that started it ends. All child processes are therefore
// started by a thread that never ends.
func init() {
	go func() {
		runtime.LockOSThread()
		for start := range starts {
			start()
		}
	}()
}

// Start puts cmd in its own process group, so that Ctrl-C in the terminal does not interrupt cmd.
func Start(cmd *exec.Cmd) (err error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	dieWithParent(cmd.SysProcAttr)
	done := make(chan struct{})
	starts <- func() {
		err = cmd.Start()
		close(done)
	}
	<-done
	return err
}
