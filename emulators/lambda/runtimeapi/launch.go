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

// launcher starts processes on a thread that never ends. On Linux, Pdeathsig is sent when the thread that started the
// process ends, even if its process continues.
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
