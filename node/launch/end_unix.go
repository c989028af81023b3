//go:build unix

package launch

import (
	"os"
	"syscall"
)

// askToEnd asks a process to end cleanly.
func askToEnd(p *os.Process) {
	_ = p.Signal(syscall.SIGTERM) // it fails where the process has just ended
}
