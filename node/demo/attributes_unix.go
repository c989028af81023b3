//go:build unix && !linux

package demo

import "syscall"

// processAttributes puts a node into a process group of its own, so that Ctrl-C reaches
// the demo alone, which ends its nodes.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
