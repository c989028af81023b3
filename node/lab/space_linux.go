package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ipWait bounds a command of iproute2, which takes no time.
const ipWait = 10 * time.Second

// Space is a network namespace that lives as long as it is not closed, and no longer than
// this process. It is safe for concurrent use.
type Space struct {
	acts   chan func()
	thread int
	work   sync.WaitGroup
}

// NewSpace makes a namespace in which nothing is up but the loopback. It fails with
// [ErrUnsupported] where this process may not.
func NewSpace() (*Space, error) {
	s := &Space{acts: make(chan func())}
	ready := make(chan error, 1)
	s.work.Go(func() { s.live(ready) })
	if err := <-ready; err != nil {
		s.work.Wait()
		return nil, fmt.Errorf("%w: make a namespace: %w: run it as root", ErrUnsupported, err)
	}
	if err := s.IP("link", "set", "lo", "up"); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// live is the namespace's thread: it acts until there is nothing more to do.
func (s *Space) live(ready chan<- error) {
	runtime.LockOSThread() // never unlocked: the thread, and the namespace, end with the goroutine
	if unix.Gettid() == os.Getpid() {
		// But the first thread of a process never ends: another one is taken.
		defer runtime.UnlockOSThread()
		started := make(chan error, 1)
		s.work.Go(func() { s.live(started) })
		ready <- <-started
		return
	}
	s.thread = unix.Gettid()
	err := unix.Unshare(unix.CLONE_NEWNET)
	if ready <- err; err != nil {
		return
	}
	for act := range s.acts {
		act()
	}
}

// Close lets the namespace go: it ends when no process and no socket is in it any more.
func (s *Space) Close() {
	close(s.acts)
	s.work.Wait()
}

// Path is the namespace as a file, for commands that enter one.
func (s *Space) Path() string { return fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), s.thread) }

// Through is a command that enters the namespace and replaces itself by the command behind
// it.
func (s *Space) Through() []string { return []string{"nsenter", "--net=" + s.Path()} }

// Do calls act on a thread that is in the namespace: sockets that it opens and processes
// that it starts stay there. Calls come one after the other.
func (s *Space) Do(act func() error) error {
	result := make(chan error, 1)
	s.acts <- func() { result <- act() }
	return <-result
}

// Dial connects to an address, given in digits, in the namespace.
func (s *Space) Dial(ctx context.Context, network, to string) (conn net.Conn, err error) {
	err = s.Do(func() (err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, to)
		return err
	})
	return conn, err
}

// IP runs a command of iproute2 in the namespace.
func (s *Space) IP(arguments ...string) error {
	return s.Do(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), ipWait) // whoever cleans up has none left
		defer cancel()
		out, err := exec.CommandContext(ctx, "ip", arguments...).CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) {
			return fmt.Errorf("%w: no ip command: install iproute2", ErrUnsupported)
		}
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(arguments, " "), err, out)
		}
		return nil
	})
}
