//go:build !unix

package benchfailover

import (
	"errors"
	"fmt"
	"os"

	"ganglion/node/launch"
)

// freeze fails: the system has no such signal.
func freeze(*launch.Process) error {
	return fmt.Errorf("pause a process: %w", errors.ErrUnsupported)
}

// wake has nothing to do.
func wake(*launch.Process) error { return nil }

// leave ends a process: it cannot be asked.
func leave(p *launch.Process) error { return p.Signal(os.Kill) }
