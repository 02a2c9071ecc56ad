//go:build !linux

package stack

import "syscall"

// dieWithParent needs Linux. Elsewhere, after a kill -9 of local, its children have to be killed too.
func dieWithParent(*syscall.SysProcAttr) {}
