package runtimeapi

import (
	"os/exec"
	"runtime"
	"sync"
)

type launchRequest struct {
	cmd  *exec.Cmd
	done chan error
}

// launcher starts processes on a thread of its own that never ends: to Linux, the death of the thread that
// started a process is the death of its parent.
var launcher = sync.OnceValue(func() chan<- launchRequest {
	requests := make(chan launchRequest)
	go func() {
		runtime.LockOSThread()
		for r := range requests {
			r.done <- r.cmd.Start()
		}
	}()
	return requests
})

func launch(cmd *exec.Cmd) error {
	r := launchRequest{cmd, make(chan error, 1)}
	launcher() <- r
	return <-r.done
}
