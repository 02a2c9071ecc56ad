//go:build !linux

package runtimeapi

import "syscall"

// attributes returns nil, because only Linux has parent-death signals. On other systems, the function's processes
// survive when the host is killed.
func attributes() *syscall.SysProcAttr { return nil }
