//go:build !unix

package launch

import "os"

// askToEnd ends a process: it cannot be asked to here.
func askToEnd(p *os.Process) {
	_ = p.Kill() // it fails where the process has just ended
}
