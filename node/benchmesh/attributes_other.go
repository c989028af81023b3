//go:build !linux

package benchmesh

import "syscall"

// processAttributes is nothing special: Ctrl-C reaches every process.
func processAttributes() *syscall.SysProcAttr { return nil }
