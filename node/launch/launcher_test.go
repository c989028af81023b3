package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// behaviour has this test's binary behave as a process that the tests need, instead of
// testing. It is no variable of ours, which a process would not inherit.
const behaviour = "LAUNCH_TEST_PROCESS"

func TestMain(m *testing.M) {
	how := os.Getenv(behaviour)
	if how == "" {
		os.Exit(m.Run()) //nolint:forbidigo // that is what a TestMain is for
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	switch how {
	case "failing":
		fmt.Fprintln(os.Stderr, "one\ntwo\nno room for a third")
		os.Exit(3) //nolint:forbidigo // as the process that the test needs
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
	}
	_, _ = fmt.Fprintln(os.Stdout, "up", os.Getenv("FURTHER")) // whoever waits for it notices
	<-asked
}

// launcher is one of this test's binary.
func launcher(t *testing.T) *Launcher {
	t.Helper()
	l := New(os.Args[0], t.TempDir())
	t.Cleanup(func() { l.Close(nil) })
	return l
}

// up starts this test's binary as a process and waits until it is up.
func up(t *testing.T, l *Launcher, name, how string) *Process {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() //nolint:errcheck // it is only read from
	p, err := l.Start(Command{Name: name, Stdout: in, Env: []string{behaviour + "=" + how}})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatalf("%s is not up: %v", name, err)
	}
	return p
}

// No process may outlive its launcher: neither one that ends when it is asked to, nor one
// that does not listen, which is ended at once where somebody is in a hurry.
func TestCloseLeavesNoProcess(t *testing.T) {
	l := New(os.Args[0], t.TempDir())
	all := []*Process{up(t, l, "polite", "polite"), up(t, l, "deaf", "deaf"), up(t, l, "gone", "polite")}
	if err := all[2].Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	if how := all[2].How(); !strings.Contains(how, "killed") {
		t.Errorf("gone ended (%s), want killed", how)
	}
	hurry := make(chan struct{})
	close(hurry)
	l.Close(hurry)
	for _, p := range all {
		if p.Running() {
			t.Errorf("%s runs", p.Name())
		}
	}
	if how := all[1].How(); !strings.Contains(how, "killed") {
		t.Errorf("the deaf one ended (%s): the test shows nothing", how)
	}
}

// Whoever has time lets a process end as it is to: what it says of itself at its end, and
// the leaving of a mesh, would be lost.
func TestStopAsksFirst(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("processes cannot be asked to end here")
	}
	l := launcher(t)
	p := up(t, l, "polite", "polite")
	l.Stop(nil)
	if how := p.How(); how != "without a fault" {
		t.Errorf("it ended (%s), want without a fault", how)
	}
	if again := up(t, l, "polite", "polite"); !again.Running() {
		t.Error("a launcher that was stopped starts no more")
	}
}

// Whoever starts a process that fails needs to see why, without looking for a file.
func TestFailureHasLog(t *testing.T) {
	p, err := launcher(t).Start(Command{Name: "device-1", Env: []string{behaviour + "=failing"}})
	if err != nil {
		t.Fatal(err)
	}
	got := p.Failure()
	if diff := cmp.Diff([]string{"one", "two", "no room for a third"}, got.Log); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	var exit *exec.ExitError
	if got.Error() != "device-1 ended (exit status 3)" || !errors.As(got, &exit) {
		t.Errorf("got %q", got.Error())
	}
}

// A log that is long is told by its end, and in few lines.
func TestTailIsShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var all strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&all, "line %d\n", i)
	}
	if err := os.WriteFile(path, []byte(all.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got := (&Process{log: path}).Tail()
	if len(got) != tailLines || got[0] != fmt.Sprintf("line %d", 5000-tailLines) || got[tailLines-1] != "line 4999" {
		t.Errorf("got %q", got)
	}
	all.WriteString("panic: index out of range [3]\n\ngoroutine 7 [running]:\n")
	for i := range 5000 {
		fmt.Fprintf(&all, "frame %d\n", i)
	}
	if err := os.WriteFile(path, []byte(all.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := (&Process{log: path}).Tail(); len(got) != tailLines || got[0] != "panic: index out of range [3]" {
		t.Errorf("of one that panicked: got %q", got)
	}
	all.WriteString(`{"msg":"node is up"}` + "\n")
	if err := os.WriteFile(path, []byte(all.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := (&Process{log: path}).Tail(); len(got) != tailLines || got[tailLines-1] != `{"msg":"node is up"}` {
		t.Errorf("of one that was started again since it panicked: got %q", got)
	}
	if got := (&Process{log: path + "none"}).Tail(); got != nil {
		t.Errorf("of no file: got %q", got)
	}
}

// What is of an earlier launcher must not be taken for the words of this one's processes;
// what a process said before it was started again must stay.
func TestLogOfAName(t *testing.T) {
	l := launcher(t)
	path := filepath.Join(l.logs, "device-1.log")
	if err := os.WriteFile(path, []byte("of an earlier one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p, err := l.Start(Command{Name: "device-1", Env: []string{behaviour + "=failing"}})
		if err != nil {
			t.Fatal(err)
		}
		<-p.Ended()
	}
	data, err := os.ReadFile(path)
	if want := strings.Repeat("one\ntwo\nno room for a third\n", 2); err != nil || string(data) != want {
		t.Errorf("got %q, %v; want %q", data, err, want)
	}
}

// A program that is not there, and a name that leads elsewhere, are errors of one line.
func TestStartFails(t *testing.T) {
	l := New(filepath.Join(t.TempDir(), "none"), t.TempDir())
	t.Cleanup(func() { l.Close(nil) })
	for _, name := range []string{"device-1", "../device-1", ""} {
		if _, err := l.Start(Command{Name: name}); err == nil || !strings.HasPrefix(err.Error(), "start ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

// Namespaces are entered by a command that becomes the program: the process that is killed
// and waited for must be the program's.
func TestStartThrough(t *testing.T) {
	env := "/usr/bin/env"
	if _, err := os.Stat(env); err != nil {
		t.Skip("there is no /usr/bin/env here")
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() //nolint:errcheck // it is only read from
	l := launcher(t)
	p, err := l.Start(Command{Name: "one", Through: []string{env, "FURTHER=through"}, Env: []string{behaviour + "=polite"}, Stdout: in})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, len("up through"))
	if _, err := io.ReadFull(out, said); err != nil || string(said) != "up through" {
		t.Errorf("it says %q, %v", said, err)
	}
	if err := p.Signal(os.Kill); err != nil {
		t.Error(err)
	}
	if n, err := out.Read(make([]byte, 8)); err == nil && n > 1 {
		t.Errorf("it goes on to say %d bytes", n)
	}
}

// The settings of the caller's own node are not for the nodes of a mesh that is started:
// GANGLION_TOKEN would have them join the caller's.
func TestEnvironment(t *testing.T) {
	got := environment([]string{"HOME=/h", "GANGLION_TOKEN=secret", "GANGLION_RUN_DIR=/r", "GANGLION_SITE=x", "PATH=/p"})
	if diff := cmp.Diff([]string{"HOME=/h", "GANGLION_RUN_DIR=/r", "PATH=/p"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
