package benchmesh

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
	"syscall"
	"time"
)

// The times and sizes of processes.
const (
	grace     = 5 * time.Second // between asking a process to end and ending it
	tailBytes = 2 << 10         // of a log, that are shown where its process ended
)

// errNoFault is why a process ended that should not have, and did so by itself.
var errNoFault = errors.New("by itself, without a fault")

// process is one process that was started.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string        // path of what it wrote
	ended chan struct{} // closed when it has
	fault error         // what it ended with; after ended
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// failure says that the process ended, with the end of its log.
func (p *process) failure() error {
	fault := p.fault
	if fault == nil {
		fault = errNoFault
	}
	f, err := os.Open(p.log)
	if err != nil {
		return fmt.Errorf("%s ended: %w", p.name, fault)
	}
	defer f.Close() //nolint:errcheck // it is only read from
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		_, _ = f.Seek(-tailBytes, io.SeekEnd) // else it is read from the beginning
	}
	tail, _ := io.ReadAll(io.LimitReader(f, tailBytes)) // what can be read is shown
	return fmt.Errorf("%s ended: %w\n%s", p.name, fault, strings.TrimSpace(string(tail)))
}

// launcher starts processes and ends them. On Linux they end with the thread that started
// them, even if this process is killed: so one goroutine starts them all, on a thread of
// its own. The launcher itself is used by one goroutine.
type launcher struct {
	program string
	dir     string // of logs
	starts  chan func()
	work    sync.WaitGroup
	all     []*process
}

func newLauncher(program, dir string) *launcher {
	l := &launcher{program: program, dir: dir, starts: make(chan func())}
	l.work.Go(func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for start := range l.starts {
			start()
		}
	})
	return l
}

// start starts a process. Its errors go to a log of its name, and its output as well,
// unless out is given.
func (l *launcher) start(name string, out *os.File, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(l.dir, name+".log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()                        //nolint:errcheck // the process has its own
	p.cmd = exec.Command(l.program, args...) //nolint:noctx // it is asked to end first, see stop
	p.cmd.Stdout, p.cmd.Stderr = log, log    // one file, so that lines keep their order
	p.cmd.Env = environment(os.Environ())    //
	p.cmd.SysProcAttr = processAttributes()  //
	if out != nil {
		p.cmd.Stdout = out
	}
	result := make(chan error, 1)
	l.starts <- func() { result <- p.cmd.Start() }
	if err := <-result; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	l.all = append(l.all, p)
	l.work.Go(func() {
		p.fault = p.cmd.Wait()
		close(p.ended)
	})
	return p, nil
}

// environment is the caller's without what is written for a node of the caller's own.
func environment(own []string) []string {
	return slices.DeleteFunc(own, func(v string) bool {
		return strings.HasPrefix(v, "GANGLION_") && !strings.HasPrefix(v, "GANGLION_RUN_DIR=")
	})
}

// dead tells whether the process has ended.
func (p *process) dead() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// close asks all processes to end, ends those that have not after a while, or at once when
// hurry can be received from, and returns when none is left.
func (l *launcher) close(hurry <-chan struct{}) {
	for _, p := range l.all {
		if p.cmd.Process.Signal(syscall.SIGTERM) != nil {
			_ = p.cmd.Process.Kill() // there is no such signal here, or it has just ended
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
		_ = p.cmd.Process.Kill() // it fails where the process has just ended
		<-p.ended
	}
	close(l.starts)
	l.work.Wait()
}
