//go:build unix

package bundles

import (
	"os"
	"os/exec"
	"testing"
)

// runWithFileLimit runs one test of this binary in a process that may not write files of
// more than 64 KiB.
func runWithFileLimit(t *testing.T, name string) {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell to limit the size of files with")
	}
	// ulimit counts blocks of 512 bytes. The signal that comes with the limit is ignored.
	cmd := exec.CommandContext(t.Context(), shell, "-c", `trap "" XFSZ; ulimit -f 128; exec "$0" -test.run "^$1\$"`, os.Args[0], name)
	cmd.Env = append(os.Environ(), "GANGLION_TEST_FULL=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
