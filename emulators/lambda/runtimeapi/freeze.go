package runtimeapi

import "syscall"

// freeze stops the environment's processes. AWS freezes an environment when its process has responded and requests the
// next invocation: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html. A frozen process sends
// no keep-alives and does not notice that a server has closed its connection.
func (e *environment) freeze() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.stopping {
		e.signal(syscall.SIGSTOP)
		e.frozen = true
	}
}

func (e *environment) thaw() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frozen = false
	e.signal(syscall.SIGCONT)
}

// After thawToStop, the environment is not frozen again, so its processes can handle SIGTERM.
func (e *environment) thawToStop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopping, e.frozen = true, false
	e.signal(syscall.SIGCONT)
}

// signal also reaches the processes that the function started: childprocess.Start puts them in one process group.
// If all of them have ended, syscall.Kill fails.
func (e *environment) signal(s syscall.Signal) { syscall.Kill(-e.cmd.Process.Pid, s) }

// FrozenPIDs returns the process IDs of the frozen environments.
func (h *Host) FrozenPIDs() (pids []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.idle {
		e.mu.Lock()
		if e.frozen {
			pids = append(pids, e.cmd.Process.Pid)
		}
		e.mu.Unlock()
	}
	return pids
}
