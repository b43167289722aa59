package functionshost

import "syscall"

// dieWithHost has the kernel end the handler when the host's own process dies, even
// by SIGKILL, as both go when an instance does in Azure. The signal is bound to the
// thread that started the child; Go's threads stay, unless a goroutine that locked
// its thread ends.
func dieWithHost() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
