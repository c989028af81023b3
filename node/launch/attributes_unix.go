//go:build unix && !linux

package launch

import "syscall"

// processAttributes puts a process into a process group of its own, so that Ctrl-C reaches
// this process alone, which ends its nodes.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
