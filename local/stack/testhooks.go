package stack

import (
	"fmt"
	"syscall"
)

// This file is for tests and benchmarks only.

func (s *Stack) StartProgram(name, program string, env []string, args ...string) {
	s.spawn(s.newStage(), name, program, append(s.ProgramEnvironment(program), env...), args...)
}

// StartExecutable starts a program that the stack did not build, with the environment of the Temporal server.
func (s *Stack) StartExecutable(name, path string, env []string, args ...string) {
	child := s.newChild(name, path, append(s.Environment(), env...), args...)
	ctx := s.newStage()
	s.goTask(func() error { return child.Run(ctx) })
}

// DynamicConfig returns the settings of the Temporal server as key=JSON.
func DynamicConfig() []string { return dynamicConfig }

func (s *Stack) StopProgram(name string) (restart func()) {
	s.children[name].Stop()
	return s.children[name].Start
}

func (s *Stack) Signal(name string, signal syscall.Signal) error {
	child, ok := s.children[name]
	if !ok {
		return fmt.Errorf("there is no child process %q", name)
	}
	return child.Signal(signal)
}

// PID returns 0 while the process does not run.
func (s *Stack) PID(name string) int { return s.children[name].PID() }

// Dir returns the absolute data directory.
func (s *Stack) Dir() string { return s.config.Dir }

func (s *Stack) Executable(program string) string { return s.executables[program] }
