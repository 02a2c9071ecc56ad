package runtimeapi

import "syscall"

// attributes returns attributes that kill the process when the host ends, and that keep the terminal's Ctrl-C from it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
