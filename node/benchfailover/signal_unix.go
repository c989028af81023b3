//go:build unix

package benchfailover

import (
	"syscall"

	"ganglion/node/launch"
)

// freeze has a process stand still.
func freeze(p *launch.Process) error { return p.Signal(syscall.SIGSTOP) }

// wake has it go on.
func wake(p *launch.Process) error { return p.Signal(syscall.SIGCONT) }

// leave asks a process to end.
func leave(p *launch.Process) error { return p.Signal(syscall.SIGTERM) }
