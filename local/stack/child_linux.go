package stack

import "syscall"

// dieWithParent leaves nothing behind when we are killed with no time to clean up.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
