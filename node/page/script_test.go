package page

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestScripts runs the tests of the modules that decide, in Node.js. Without it what a page
// computes of its figures would be tested by nobody.
func TestScripts(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no Node.js in the path, and CI is set: install Debian's nodejs, as .ci/run does")
		}
		t.Skip("skipped: no Node.js in the path: install Debian's nodejs")
	}
	files, err := filepath.Glob("scripttest/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests of scripts: %v", err)
	}
	out, err := exec.CommandContext(t.Context(), node, append([]string{"--test"}, files...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if text := string(out); !strings.Contains(text, "fail 0") || strings.Contains(text, "tests 0") {
		t.Errorf("no test ran, or not all passed:\n%s", text)
	}
}
