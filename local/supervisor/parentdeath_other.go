//go:build !linux

package supervisor

import "syscall"

// dieWithParent does nothing, because only Linux has parent-death signals. After kill -9 of this program, the developer
// has to kill its child processes too.
func dieWithParent(*syscall.SysProcAttr) {}
