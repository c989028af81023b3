package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// The sizes of what is shown of a log.
const (
	tailLines = 12      // the last lines
	tailBytes = 1 << 20 // that are looked at for them: a panic tells of every goroutine
)

// Process is one that was started. It is safe for concurrent use.
type Process struct {
	name  string
	cmd   *exec.Cmd
	log   string        // path
	ended chan struct{} // closed when it has
	fault error         // what it ended with; after ended
}

// Name is what the process was started as.
func (p *Process) Name() string { return p.name }

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Running tells whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Signal sends the process a signal. It fails where the process has just ended and where
// the system has no such signal; os.Kill is everywhere.
func (p *Process) Signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// How is in words what the process ended with, such as "signal: killed". It waits for the
// end.
func (p *Process) How() string {
	<-p.ended
	var exit *exec.ExitError
	switch {
	case p.fault == nil:
		return "without a fault"
	case errors.As(p.fault, &exit):
		return exit.String()
	}
	return p.fault.Error()
}

// Failure is the error of a process that should not have ended. It waits for the end.
func (p *Process) Failure() *ExitError {
	return &ExitError{Name: p.name, How: p.How(), Log: p.Tail(), Err: p.fault}
}

// Tail is the last lines of the process's log, of what can be read of it; of one that panicked
// those from the panic on, where its cause stands.
func (p *Process) Tail() []string {
	f, err := os.Open(p.log)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // it is only read from
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return nil
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	from := max(0, len(lines)-tailLines)
	for i := len(lines) - 1; i >= 0 && !strings.HasPrefix(lines[i], "{"); i-- { // no word of the node came after it
		if strings.HasPrefix(lines[i], "panic: ") || strings.HasPrefix(lines[i], "fatal error: ") {
			from = i
			break
		}
	}
	return lines[from:min(len(lines), from+tailLines)]
}

// ExitError says that a process ended that should not have.
type ExitError struct {
	Name string
	How  string   // in words
	Log  []string // the last lines of its log
	Err  error    // nil: it ended without a fault
}

// Error is one line.
func (e *ExitError) Error() string { return fmt.Sprintf("%s ended (%s)", e.Name, e.How) }

// Unwrap is what the process ended with.
func (e *ExitError) Unwrap() error { return e.Err }
