package launch

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Grace is the time between asking a process to end and ending it.
const Grace = 3 * time.Second

// Launcher starts processes and ends them. On Linux processes end with the thread that
// started them: so one goroutine starts them all, on a thread of its own that lives until
// the last of them has ended. A launcher is used by one goroutine.
type Launcher struct {
	program string
	logs    string // folder
	starts  chan func()
	work    sync.WaitGroup
	living  []*Process      // those that have not ended, and some that have
	names   map[string]bool // that were used
}

// New is a launcher of a program, which keeps their logs in a folder.
func New(program, logs string) *Launcher {
	l := &Launcher{program: program, logs: logs, starts: make(chan func()), names: map[string]bool{}}
	l.work.Go(func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for start := range l.starts {
			start()
		}
	})
	return l
}

// Command is a process to be started.
type Command struct {
	Name string   // of the process and, with ".log" behind it, of its log
	Args []string // of the program

	// Through is a command, with its arguments, that replaces itself by the program, such
	// as "ip netns exec NAME". Empty: none.
	Through []string
	Env     []string // further variables, NAME=VALUE

	// Stdout is where the standard output goes; it may be closed once Start has returned.
	// Nil: to the log, where the standard error goes.
	Stdout *os.File
}

// Start starts a process. The log of a name is emptied when the name is used first, so that
// nothing is in it of an earlier launcher; who is started again goes on in it.
func (l *Launcher) Start(c Command) (*Process, error) {
	if c.Name == "" || filepath.Base(c.Name) != c.Name {
		return nil, fmt.Errorf("start process: %q names no log file", c.Name)
	}
	l.living = slices.DeleteFunc(l.living, func(p *Process) bool { return !p.Running() })
	p := &Process{name: c.Name, log: filepath.Join(l.logs, c.Name+".log"), ended: make(chan struct{})}
	mode := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if !l.names[c.Name] {
		mode |= os.O_TRUNC
	}
	log, err := os.OpenFile(p.log, mode, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	defer log.Close() //nolint:errcheck // the process has its own
	l.names[c.Name] = true
	all := slices.Concat(c.Through, []string{l.program}, c.Args)
	p.cmd = exec.Command(all[0], all[1:]...) //nolint:noctx // it is asked to end first, see Stop
	p.cmd.Stdout, p.cmd.Stderr = log, log    // one file, so that lines keep their order
	if c.Stdout != nil {
		p.cmd.Stdout = c.Stdout
	}
	p.cmd.Env = append(environment(os.Environ()), c.Env...)
	p.cmd.SysProcAttr = processAttributes()
	result := make(chan error, 1)
	l.starts <- func() { result <- p.cmd.Start() }
	if err := <-result; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	l.living = append(l.living, p)
	l.work.Go(func() {
		p.fault = p.cmd.Wait()
		close(p.ended)
	})
	return p, nil
}

// environment is the caller's without what is written for a node of the caller's own, but
// with where run files are.
func environment(own []string) []string {
	return slices.DeleteFunc(own, func(v string) bool {
		return strings.HasPrefix(v, "GANGLION_") && !strings.HasPrefix(v, "GANGLION_RUN_DIR=")
	})
}

// Stop asks all processes to end, and ends those that have not after [Grace], or at once
// when hurry can be received from; it may be nil. It returns when none is left.
func (l *Launcher) Stop(hurry <-chan struct{}) {
	for _, p := range l.living {
		if p.Running() {
			askToEnd(p.cmd.Process)
		}
	}
	patience, cancel := context.WithTimeout(context.Background(), Grace)
	defer cancel()
	for _, p := range l.living {
		select {
		case <-p.ended:
			continue
		case <-patience.Done():
		case <-hurry:
		}
		break
	}
	for _, p := range l.living {
		if p.Running() {
			_ = p.cmd.Process.Kill() // it fails where the process has just ended
		}
	}
	for _, p := range l.living {
		<-p.ended
	}
	l.living = nil
}

// Close ends everything, the launcher too. See [Launcher.Stop].
func (l *Launcher) Close(hurry <-chan struct{}) {
	l.Stop(hurry)
	close(l.starts)
	l.work.Wait()
}
