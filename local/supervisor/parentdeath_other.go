//go:build !linux

package supervisor

import "syscall"

// dieWithParent does nothing: only Linux has parent-death signals. After kill -9 of this program, its processes have to
// be killed too.
func dieWithParent(*syscall.SysProcAttr) {}
