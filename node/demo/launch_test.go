package demo

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// helperMode tells this test binary, started as a process, how to behave.
const helperMode = "DEMO_HELPER"

// TestHelperProcess is no test: it is what the tests below start as a node.
func TestHelperProcess(t *testing.T) {
	switch os.Getenv(helperMode) {
	case "":
		t.Skip("it is started by the tests of the launcher")
	case "fails":
		fmt.Fprintln(os.Stderr, "one\ntwo\nno room for a third")
		t.FailNow()
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
	}
	fmt.Fprintln(os.Stderr, "up")
	<-t.Context().Done() // not while the test runs, which ends with a timeout
}

// helper starts this test binary as a process and waits until it is up.
func helper(t *testing.T, l *launcher, name, mode string) *process {
	t.Helper()
	t.Setenv(helperMode, mode)
	p, err := l.start(Part{Name: name}, []string{"-test.run=^TestHelperProcess$", "-test.timeout=60s"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// await waits until the log of a process says that it is up.
func await(t *testing.T, p *process) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(strings.Join(p.tail(), "\n"), "up") {
		select {
		case <-tick.C:
		case <-p.ended:
			t.Fatalf("%s ended: %v", p.part.Name, p.tail())
		}
	}
}

// No process may outlive a demo: neither one that ends when it is asked to, nor one that
// does not listen, which is ended after the grace or at once if somebody is in a hurry.
func TestLauncherLeavesNoProcess(t *testing.T) {
	l := newLauncher(os.Args[0], t.TempDir())
	all := []*process{helper(t, l, "polite", "polite"), helper(t, l, "deaf", "deaf"), helper(t, l, "gone", "polite")}
	for _, p := range all {
		await(t, p)
	}
	if err := all[2].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := <-l.exits; got != all[2] || !strings.Contains(howEnded(got.fault), "killed") {
		t.Errorf("%s ended (%s), want gone, killed", got.part.Name, howEnded(got.fault))
	}
	hurry := make(chan struct{})
	close(hurry)
	l.close(hurry)
	for _, p := range all {
		if p.running() || p.cmd.ProcessState == nil {
			t.Errorf("%s runs", p.part.Name)
		}
	}
	if how := howEnded(all[1].fault); !strings.Contains(how, "killed") {
		t.Errorf("the deaf one ended (%s), want killed", how)
	}
}

// Whoever starts a demo that cannot start needs to see why, without looking for a file.
func TestExitErrorHasLog(t *testing.T) {
	l := newLauncher(os.Args[0], t.TempDir())
	defer l.close(nil)
	helper(t, l, "device-1", "fails")
	d := &director{launcher: l}
	err := d.exited(<-l.exits)
	var exit *ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("got %v, want an ExitError", err)
	}
	if got := err.Error(); got != "device-1 ended as it started (exit status 1)" {
		t.Errorf("got %q", got)
	}
	if got := strings.Join(exit.Log, "\n"); !strings.Contains(got, "no room for a third") {
		t.Errorf("log %q", got)
	}
}

// A program that is not there is an error of one line, and nothing is left of it.
func TestLauncherWithoutProgram(t *testing.T) {
	l := newLauncher(t.TempDir()+"/none", t.TempDir())
	defer l.close(nil)
	if _, err := l.start(Part{Name: "device-1"}, nil); err == nil || !strings.HasPrefix(err.Error(), "start device-1: ") {
		t.Errorf("got %v", err)
	}
}

// The settings of the caller's own node are not for the nodes of a demo: GANGLION_TOKEN
// would have them join the caller's mesh.
func TestEnvironment(t *testing.T) {
	got := environment([]string{"HOME=/h", "GANGLION_TOKEN=secret", "GANGLION_RUN_DIR=/r", "GANGLION_SITE=x", "PATH=/p"})
	if diff := cmp.Diff([]string{"HOME=/h", "GANGLION_RUN_DIR=/r", "PATH=/p"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
