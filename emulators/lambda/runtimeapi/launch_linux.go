package runtimeapi

import "syscall"

// attributes let the process die with its host, however that ends, and keep the terminal's Ctrl-C from it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
