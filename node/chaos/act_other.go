//go:build !unix

package chaos

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

var errNoSignals = errors.New("a process cannot be stopped and continued on this system: use kill, or cut")

// kill ends this process: nothing of it runs any more.
func kill() error {
	p, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	return p.Kill()
}

// Resume has a process go on that stands still: none does on this system.
func Resume(int) error { return errNoSignals }

// pausable says why this process cannot be paused.
func pausable([]string) error { return errNoSignals }

// pause cannot be.
func pause(context.Context, []string, time.Duration) error { return errNoSignals }

// Wake cannot be, and is not needed.
func Wake(int, time.Duration, io.Reader, io.Writer) error { return errNoSignals }
