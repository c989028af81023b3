package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// The times and sizes of processes.
const (
	grace     = 3 * time.Second // between asking a process to end and ending it
	tailLines = 12              // of a log, that are shown
	tailBytes = 16 << 10        // of a log, that are looked at for them
)

// process is one node's process.
type process struct {
	part    Part
	cmd     *exec.Cmd
	logPath string
	leaves  bool          // it was told to end. The launcher's user's.
	ended   chan struct{} // closed when it has
	fault   error         // what it ended with; nil: by itself, without a fault. After ended.
}

// pid of the process.
func (p *process) pid() int { return p.cmd.Process.Pid }

// running tells whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// launcher starts processes and ends them. On Linux the processes end with the thread that
// started them, even if this one is killed: so one goroutine starts them all, on a thread
// of its own that lives until the last of them has ended. The launcher itself is used by
// one goroutine.
type launcher struct {
	program string
	logs    string // folder
	starts  chan start
	exits   chan *process // has room for every process that is ever started
	work    sync.WaitGroup
	all     []*process
}

// start is a process that is to be started, and where the answer goes.
type start struct {
	cmd    *exec.Cmd
	result chan error
}

// mostStarts is how many processes a launcher may start in its life.
const mostStarts = 4 * 64

func newLauncher(program, logs string) *launcher {
	l := &launcher{program: program, logs: logs, starts: make(chan start), exits: make(chan *process, mostStarts)}
	l.work.Go(func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for s := range l.starts {
			s.result <- s.cmd.Start()
		}
	})
	return l
}

// start starts the node of a part. Its output goes to a file of its name.
func (l *launcher) start(part Part, args []string) (*process, error) {
	path := filepath.Join(l.logs, part.Name+".log")
	mode := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if !slices.ContainsFunc(l.all, func(p *process) bool { return p.part.Name == part.Name }) {
		mode |= os.O_TRUNC // of an earlier demo
	}
	log, err := os.OpenFile(path, mode, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", part.Name, err)
	}
	defer func() { _ = log.Close() }()      // the process has its own
	cmd := exec.Command(l.program, args...) //nolint:noctx // it is asked to end first, see stop
	cmd.Stdout, cmd.Stderr = log, log       // one file, so that lines keep their order
	cmd.Env, cmd.SysProcAttr = environment(os.Environ()), processAttributes()
	s := start{cmd: cmd, result: make(chan error, 1)}
	l.starts <- s
	if err := <-s.result; err != nil {
		return nil, fmt.Errorf("start %s: %w", part.Name, err)
	}
	p := &process{part: part, cmd: cmd, logPath: path, ended: make(chan struct{})}
	l.all = append(l.all, p)
	l.work.Go(func() {
		p.fault = cmd.Wait()
		close(p.ended)
		l.exits <- p
	})
	return p, nil
}

// environment is that of a node: nothing of the caller's configuration, which is written
// for a node of the caller's own, but where run files are.
func environment(own []string) []string {
	return slices.DeleteFunc(own, func(v string) bool {
		return strings.HasPrefix(v, "GANGLION_") && !strings.HasPrefix(v, "GANGLION_RUN_DIR=")
	})
}

// stop asks all processes to end, and ends those that have not after a while, or at once
// when hurry can be received from. It returns when none is left.
func (l *launcher) stop(hurry <-chan struct{}) {
	for _, p := range l.all {
		if p.running() {
			askToEnd(p.cmd.Process)
		}
	}
	patience, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for _, p := range l.all {
		select {
		case <-p.ended:
			continue
		case <-patience.Done():
		case <-hurry:
		}
		break
	}
	for _, p := range l.all {
		if p.running() {
			_ = p.cmd.Process.Kill() // it fails where the process has just ended
		}
	}
	for _, p := range l.all {
		<-p.ended
	}
}

// close ends everything and the launcher.
func (l *launcher) close(hurry <-chan struct{}) {
	l.stop(hurry)
	close(l.starts)
	l.work.Wait()
}

// tail is the last lines of a process's log.
func (p *process) tail() (lines []string) {
	f, err := os.Open(p.logPath)
	if err != nil {
		return nil
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, err = f.Seek(max(0, end-tailBytes), io.SeekStart)
		if err != nil {
			return nil
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil {
		return nil
	}
	lines = strings.Split(strings.TrimSpace(string(data)), "\n")
	return lines[max(0, len(lines)-tailLines):]
}

// ExitError says that a node's process ended and the demo with it: before it was under
// way, or as the last.
type ExitError struct {
	Name string
	Log  []string // the last lines of its log
	Err  error    // nil: it ended without a fault
	Last bool     // all others had ended before
}

// Error is one line.
func (e *ExitError) Error() string {
	if e.Last {
		return fmt.Sprintf("all nodes have ended, %s as the last (%s)", e.Name, howEnded(e.Err))
	}
	return fmt.Sprintf("%s ended as it started (%s)", e.Name, howEnded(e.Err))
}

// Unwrap is what the process ended with.
func (e *ExitError) Unwrap() error { return e.Err }

// howEnded says in words what a process ended with.
func howEnded(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "without a fault"
	case errors.As(err, &exit):
		return exit.String()
	}
	return err.Error()
}
