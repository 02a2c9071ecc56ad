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

// launcher is the channel for launch requests. One goroutine starts all processes on a thread that never ends. On
// Linux, Pdeathsig is sent when the thread that started a process ends, so a thread that ended would kill the function
// while the host is still running.
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
