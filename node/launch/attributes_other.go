//go:build !unix

package launch

import "syscall"

// processAttributes are the system's own.
func processAttributes() *syscall.SysProcAttr { return nil }
