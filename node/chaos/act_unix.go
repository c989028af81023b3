//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// kill ends this process as SIGKILL does: nothing of it runs any more.
func kill() error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) }

// Resume has a process go on that stands still. One that does not is not touched by it.
func Resume(pid int) error { return syscall.Kill(pid, syscall.SIGCONT) }

// pausable says why this process cannot be paused.
func pausable(waker []string) error {
	if len(waker) == 0 {
		return errors.New("this node cannot be paused: the program that it is part of has nobody to wake it")
	}
	return nil
}

// wakerWait is how long the waker may take to say that it is there.
const wakerWait = 5 * time.Second

// pause stops this process for a time. It returns when it goes on.
func pause(ctx context.Context, waker []string, d time.Duration) (err error) {
	args := append(waker[1:len(waker):len(waker)], strconv.Itoa(os.Getpid()), d.String())
	cmd := exec.Command(waker[0], args...)               //nolint:noctx // it has to outlive what ctx ends: it wakes this process
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // what ends a terminal's processes does not end it
	alive, err := cmd.StdinPipe()                        // at its end the waker knows that this process is gone, or awake
	if err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	ready, err := cmd.StdoutPipe()
	if err != nil {
		return errors.Join(fmt.Errorf("pause: %w", err), alive.Close())
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("pause: start who wakes this process: %w", err), alive.Close())
	}
	defer func() { err = errors.Join(err, alive.Close(), ended(cmd)) }()
	slow := time.AfterFunc(wakerWait, func() { _ = cmd.Process.Kill() }) // then the read below ends
	_, err = io.ReadFull(ready, make([]byte, 1))
	if !slow.Stop() || err != nil || ctx.Err() != nil {
		return fmt.Errorf("pause: who is to wake this process does not say that it is there: %w", errors.Join(err, ctx.Err()))
	}
	// The call may return before the process stands still. That it went on is known by the
	// signal alone, whoever sent it; the end of the waker, which sends it last, is as good.
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	over := make(chan struct{})
	go func() { // ends with the waker
		_, _ = io.Copy(io.Discard, ready)
		close(over)
	}()
	select {
	case <-continued:
	case <-over:
	}
	return nil
}

// ended waits for the waker, which ends when its input does. How it ends does not matter.
func ended(cmd *exec.Cmd) error {
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

// Wake wakes its parent process, which is to have the number parent, after a time or when in
// ends, which it does with the parent. It says on out that it is there. No signal that can
// be ignored ends it, so that no pause is without an end.
func Wake(parent int, d time.Duration, in io.Reader, out io.Writer) error {
	ignoreSignals()
	if os.Getppid() != parent {
		return fmt.Errorf("process %d is not the parent of this one", parent)
	}
	if d <= 0 || d > MostFor {
		return fmt.Errorf("wake after %v: give more than zero and at most %v", d, MostFor)
	}
	if _, err := out.Write([]byte{'\n'}); err != nil {
		return fmt.Errorf("say that the waker is there: %w", err)
	}
	gone := make(chan struct{})
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, in)
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(d):
	}
	if os.Getppid() != parent {
		return nil // it died; its number may be another's by now
	}
	return Resume(parent)
}
