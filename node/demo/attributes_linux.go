package demo

import "syscall"

// processAttributes puts a node into a process group of its own, so that Ctrl-C reaches
// the demo alone, which ends its nodes; and has the system end it if the demo is killed.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
