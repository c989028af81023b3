//go:build onnxruntime && cgo

package onnx_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is one wrong line in the program itself.
type mutant struct {
	name, file  string // of the source, from here
	right, sick string // the line as it is, which is there once, and as it must not be
}

var mutants = []mutant{
	{
		"one flipped threshold", "../layer/batchnorm.go",
		"return bits.Threshold{At: firstSum(limit, positive)}",
		"return bits.Threshold{At: firstSum(limit, positive), Flip: channel == 3}",
	},
	{
		"one swapped bit order", "../bits/maps.go",
		"return uint64(packed[i>>3] >> uint(i&7) & 1)",
		"return uint64(packed[i>>3] >> uint(7-i&7) & 1)",
	},
	{
		"half the threshold of an exit", "../verdict.go",
		"p.Entropy <= t.At(p.Exit, p.Seen)",
		"p.Entropy <= t.At(p.Exit, p.Seen)/2",
	},
}

// The judge must condemn the program, not only bundles that were tampered with: it is
// built again with one line wrong, and TestJudge of that build has to fail at a
// difference. The tree is not touched.
func TestJudgeFindsMutants(t *testing.T) {
	openRuntime(t)
	if testing.Short() {
		t.Skip("three builds take a while")
	}
	compiler := os.Getenv("GO")
	if compiler == "" {
		compiler = "go"
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			source, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), m.right); n != 1 {
				t.Fatalf("%s has %d lines %q, want 1: the kernels have changed, choose another line", m.file, n, m.right)
			}
			path, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			sick, overlay := filepath.Join(dir, "sick.go"), filepath.Join(dir, "overlay.json")
			text, err := json.Marshal(map[string]map[string]string{"Replace": {path: sick}})
			if err != nil {
				t.Fatal(err)
			}
			write(t, sick, []byte(strings.Replace(string(source), m.right, m.sick, 1)))
			write(t, overlay, text)
			out, err := exec.CommandContext(t.Context(), compiler, "test", "-tags", "onnxruntime", "-overlay", overlay, "-run", "^TestJudge$", ".").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "onnx has") {
				t.Errorf("the judge of the mutant ended with %v, want a difference:\n%s", err, out)
			}
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, "onnx has") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
