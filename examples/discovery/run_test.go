package discovery

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
		`^# Round 1`, ` found by (mdns|beacon)$`, `: 3 alive;`,
		`^# Round 2`, ` found by mdns$`,
		`^# Round 3`, ` found by beacon$`,
		`^# Round 4`, `^warning .*alone for .* blocks broadcasts and multicast.* --join ADDRESS.*10\.77\.0\.2:4801`, `: 1 alive;`,
		`--join 10\.77\.0\.1$`, ` found by join$`, `: 3 alive;`,
		`^# Everything`,
	} {
		at := regexp.MustCompile("(?m)" + want).FindIndex(rest)
		if at == nil {
			t.Fatalf("it never shows %q, or not in its place:\n%s", want, shown)
		}
		rest = rest[at[1]:]
	}
}
