//go:build !linux

package childprocess

import "syscall"

func dieWithParent(*syscall.SysProcAttr) {}
