package stack

import "context"

// Run keeps one more program running beside the pipeline until Close, in the pipeline's environment but for env,
// whose values win. The program is one of the pipeline's own, "temporal", or one of Config.Programs.
func (s *Stack) Run(name, program string, env []string, args ...string) {
	s.launch(s.stage(context.Background()), name, program, append(s.environment(), env...), args)
}

// Program is the path of a binary that Run takes.
func (s *Stack) Program(name string) string { return s.binaries[name] }

// Environment is what the product's programs see.
func (s *Stack) Environment() []string { return s.environment() }

// PID is that of a child, 0 while it does not run.
func (s *Stack) PID(name string) int { return int(s.children[name].pid.Load()) }

// Hold stops a child and keeps it from being started again until it is released.
func (s *Stack) Hold(name string) (release func()) {
	s.children[name].hold()
	return s.children[name].release
}
