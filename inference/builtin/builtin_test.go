package builtin

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var generate = flag.Bool("generate", false, "make the embedded model again, which takes a minute or two")

// What is embedded must be what the generator makes, or nobody could tell where it came
// from. The very command of go:generate is run.
func TestGeneratorMakesDefault(t *testing.T) {
	if !*generate {
		t.Skip("training takes a minute or two: run with -generate, as `make check-model` does")
	}
	path := filepath.Join(t.TempDir(), "street.ganglion")
	cmd := exec.CommandContext(t.Context(), "go", "run", "./generate", path)
	cmd.Stderr = os.Stderr
	if out, err := cmd.Output(); err != nil {
		t.Fatalf("run the generator: %v: %s", err, out)
	}
	made, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, street) {
		t.Errorf("the generator makes other bytes than are embedded: run `make model` and say in the commit what changed")
	}
}
