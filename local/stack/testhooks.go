package stack

import (
	"fmt"
	"syscall"
)

// The methods in this file are for tests and benchmarks only. Their parameter `name` is "worker", "web", "s3",
// "temporal", or a name that was passed to StartProgram.

// StartProgram starts a child process and restarts it after each exit, until Close is called. `program` is a key of
// `programs` or of Config.ExtraPrograms.
func (s *Stack) StartProgram(name, program string, env []string, args ...string) {
	s.spawn(s.newStage(), name, program, append(s.Environment(), env...), args...)
}

// StopProgram stops a child process. The returned function starts the process again.
func (s *Stack) StopProgram(name string) (restart func()) {
	s.children[name].Stop()
	return s.children[name].Start
}

// Signal sends a signal to a child process. If the signal ends the process, the stack restarts it.
func (s *Stack) Signal(name string, signal syscall.Signal) error {
	child, ok := s.children[name]
	if !ok {
		return fmt.Errorf("there is no child process %q", name)
	}
	return child.Signal(signal)
}

// PID returns the process ID of a child process, or 0 while it is not running.
func (s *Stack) PID(name string) int { return s.children[name].PID() }

// Dir returns the absolute path of the data directory.
func (s *Stack) Dir() string { return s.config.Dir }

// Executable returns the path of a built program.
func (s *Stack) Executable(program string) string { return s.executables[program] }
