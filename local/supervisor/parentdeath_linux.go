package supervisor

import "syscall"

// dieWithParent makes Linux kill the process when this program dies, even by SIGKILL.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
