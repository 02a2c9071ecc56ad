package runtimeapi

import "syscall"

// attributes returns attributes that kill the process when the host ends, and that prevent the terminal's Ctrl-C from
// reaching the process.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
