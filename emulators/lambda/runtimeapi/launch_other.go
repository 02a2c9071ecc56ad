//go:build !linux

package runtimeapi

import "syscall"

// attributes returns nil: on systems other than Linux, the function's processes survive when the host is killed.
func attributes() *syscall.SysProcAttr { return nil }
