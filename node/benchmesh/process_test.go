package benchmesh

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asProcess has this test's binary do as it is told instead of testing.
const asProcess = "BENCHMESH_TEST_PROCESS"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) == "" {
		os.Exit(m.Run()) //nolint:forbidigo // that is what a TestMain is for
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	switch os.Args[1] {
	case "polite":
		<-ended
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		_, _ = os.Stdout.WriteString("ready") // who waits for it notices
		select {
		case <-ended: // never: it is killed
		case <-time.After(time.Hour):
		}
	case "failing":
		fmt.Fprintln(os.Stderr, "what went wrong")
		os.Exit(3) //nolint:forbidigo // as the process that the test needs
	}
}

// A process that ends by itself must be noticed, and its last words told.
func TestLauncherTellsOfTheDead(t *testing.T) {
	t.Setenv(asProcess, "1")
	l := newLauncher(os.Args[0], t.TempDir())
	defer l.close(nil)
	lives, err := l.start("one", nil, "polite")
	if err != nil {
		t.Fatal(err)
	}
	if lives.dead() {
		t.Error("a process that lives is dead")
	}
	dies, err := l.start("two", nil, "failing")
	if err != nil {
		t.Fatal(err)
	}
	<-dies.ended
	if lives.dead() || !dies.dead() {
		t.Errorf("one is dead: %v, two: %v; want two alone", lives.dead(), dies.dead())
	}
	if text := dies.failure().Error(); !strings.Contains(text, "two") || !strings.Contains(text, "exit status 3") || !strings.Contains(text, "what went wrong") {
		t.Errorf("failure %q lacks the name, the status or the log", text)
	}
}

// No process outlives close, not even one that does not listen, where somebody is in a hurry.
func TestLauncherLeavesNoProcess(t *testing.T) {
	t.Setenv(asProcess, "1")
	l := newLauncher(os.Args[0], t.TempDir())
	polite, err := l.start("polite", nil, "polite")
	if err != nil {
		t.Fatal(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	stubborn, err := l.start("stubborn", in, "stubborn")
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil { // it does not listen from now on
		t.Fatal(err)
	}
	hurry := make(chan struct{})
	close(hurry)
	l.close(hurry)
	for _, p := range []*process{polite, stubborn} {
		select {
		case <-p.ended:
		default:
			t.Errorf("%s runs on", p.name)
		}
	}
	if stubborn.fault == nil {
		t.Error("the stubborn one ended by itself: the test shows nothing")
	}
}

// A node must not get what is written for a node of the caller's own, a token above all.
func TestEnvironment(t *testing.T) {
	got := strings.Join(environment([]string{"HOME=h", "GANGLION_TOKEN=secret", "GANGLION_RUN_DIR=r", "GANGLION_PORT=1"}), " ")
	if want := "HOME=h GANGLION_RUN_DIR=r"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
