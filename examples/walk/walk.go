package walk

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

// skipped is the exit status of a walk that cannot be taken on this machine; it has said why.
const skipped = 77

// Take runs ./run.sh of the test's folder and holds that it shows each of want, a pattern
// in which ^ and $ are the ends of a line, one after the other. It skips where the walk cannot be
// taken.
func Take(t *testing.T, want ...string) {
	t.Helper()
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
	if errors.As(err, &failed) && failed.ExitCode() == skipped {
		t.Skipf("%s", bytes.TrimSpace(shown))
	}
	if err != nil {
		t.Fatalf("%v:\n%s", err, shown)
	}
	rest := shown
	for _, pattern := range want {
		at := regexp.MustCompile("(?m)" + pattern).FindIndex(rest)
		if at == nil {
			t.Fatalf("it never shows %q, or not in its place:\n%s", pattern, shown)
		}
		rest = rest[at[1]:]
	}
}
