package remotecloud

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// TestRun takes the walk, with the program that GANGLION_TEST_NETWORK names, as
// `make test-network` does. The walk itself fails where something never comes, and where
// README.md has a line that does not work; this holds what is to be seen beyond that.
func TestRun(t *testing.T) {
	program := os.Getenv("GANGLION_TEST_NETWORK")
	if program == "" || testing.Short() {
		t.Skip("real processes take a minute: `make test-network` runs them, with GANGLION_TEST_NETWORK naming the program")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	walk := exec.CommandContext(ctx, "./run.sh")
	walk.Env = append(os.Environ(), "GANGLION="+program)
	walk.Cancel = func() error { return walk.Process.Signal(syscall.SIGTERM) } // it takes its machines away
	walk.WaitDelay = 30 * time.Second
	shown, err := walk.CombinedOutput()
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.ExitCode() == 77 {
		t.Skipf("%s", bytes.TrimSpace(shown))
	}
	if err != nil {
		t.Fatalf("%v:\n%s", err, shown)
	}
	// In this order.
	rest := shown
	for _, want := range []string{
		`^# Three cameras`, `: 3 alive;`, `^# The host`, ` found by join$`, ` is cloud$`, `: 4 alive;`,
		`^ *host-\S+ +alive +cloud`, `^# Half of the local`,
		`^# The host is cut off`, ` local .*stopped early`, `: 3 alive,`,
		`^# The cable is back`, ` cloud `, `beats, each has its answer`, ` 0 lost`, `^# Everything`,
	} {
		at := regexp.MustCompile("(?m)" + want).FindIndex(rest)
		if at == nil {
			t.Fatalf("it never shows %q, or not in its place:\n%s", want, shown)
		}
		rest = rest[at[1]:]
	}
}
