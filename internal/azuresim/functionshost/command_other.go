//go:build !linux

package functionshost

import "syscall"

// dieWithHost has no counterpart here: a host that is killed leaves its handler.
func dieWithHost() *syscall.SysProcAttr { return nil }
