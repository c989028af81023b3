//go:build !unix

package demo

import "syscall"

// processAttributes are the system's own.
func processAttributes() *syscall.SysProcAttr { return nil }
