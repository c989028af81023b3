package benchmesh

import "syscall"

// processAttributes puts a process into a group of its own, so that Ctrl-C reaches this one
// alone, which ends the others; and has the system end it if this one is killed.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
