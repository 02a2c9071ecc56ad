package stack

import (
	"context"
	"fmt"
	"syscall"
)

// The methods in this file are for tests and benchmarks only. Child processes are named "worker", "web", "s3", "temporal", and
// as in StartProgram.

// StartProgram starts an additional program and restarts it when it exits, until Close. program is the name of an
// executable: one of the pipeline's programs or of Config.ExtraPrograms. env is added to the pipeline's environment.
func (s *Stack) StartProgram(name, program string, env []string, args ...string) {
	s.spawn(s.newStage(context.Background()), name, program, append(s.environment(), env...), args...)
}

// StopProgram stops a child process. The process is not restarted until the test calls restart.
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

// Environment returns the environment of the pipeline's programs.
func (s *Stack) Environment() []string { return s.environment() }

// Dir returns the data directory.
func (s *Stack) Dir() string { return s.config.Dir }

// Executable returns the path of a built program.
func (s *Stack) Executable(program string) string { return s.executables[program] }
