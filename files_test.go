package main

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// The longest files, in lines. A table makes a test long, not complicated.
const (
	maxLines     = 500
	maxTestLines = 800
)

// vague are names that say nothing of what is behind them, so that anything ends
// up there.
func vague() []string {
	return []string{"util", "utils", "common", "helper", "helpers", "misc", "types", "base", "manager"}
}

// TestFiles holds what makes the house readable from outside: one idea a file,
// so no long files and no drawers, and a doc.go that says what a package is for.
func TestFiles(t *testing.T) {
	files, err := sourceFiles(".")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, f := range files {
		// A program is documented in its main.go, an example in its README.
		if path.Base(f.path) == "doc.go" || f.name == "main" || strings.HasPrefix(f.path, "examples/") {
			documented[path.Dir(f.path)] = true
		}
	}
	for _, f := range files {
		lines, generated, err := measure(f.path)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range fileFaults(f.path, lines, generated) {
			t.Error(fault)
		}
		if pkg := path.Dir(f.path); !documented[pkg] {
			t.Errorf("package %s has no doc.go: say what it is for, its concepts, guarantees and limits", pkg)
			documented[pkg] = true // once is enough
		}
	}
}

// TestFilesAreHeld shows that each rule finds its fault.
func TestFilesAreHeld(t *testing.T) {
	tests := []struct {
		name      string
		path      string
		lines     int
		generated bool
		want      int // faults
	}{
		{"at the limit", "inference/bits/kernel.go", maxLines, false, 0},
		{"over it", "inference/bits/kernel.go", maxLines + 1, false, 1},
		{"a test at the limit", "inference/bits/kernel_test.go", maxTestLines, false, 0},
		{"a test over it", "inference/bits/kernel_test.go", maxTestLines + 1, false, 1},
		{"generated", "proto/modelpb/model.pb.go", 10 * maxLines, true, 0},
		{"a drawer", "mesh/helpers.go", 1, false, 1},
		{"a drawer for tests", "mesh/helpers_test.go", 1, false, 1},
		{"a drawer of a package", "mesh/util/dial.go", 1, false, 1},
		{"part of a word", "inference/topology/basement.go", 1, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fileFaults(tt.path, tt.lines, tt.generated); len(got) != tt.want {
				t.Errorf("got %q, want %d faults", got, tt.want)
			}
		})
	}
}

// fileFaults returns a line for each rule that a file of that many lines breaks.
func fileFaults(file string, lines int, generated bool) []string {
	var faults []string
	limit := maxLines
	if strings.HasSuffix(file, "_test.go") {
		limit = maxTestLines
	}
	if lines > limit && !generated {
		faults = append(faults, fmt.Sprintf("%s has %d lines, more than %d: it holds more than one idea, split it", file, lines, limit))
	}
	name := strings.TrimSuffix(strings.TrimSuffix(path.Base(file), ".go"), "_test")
	for _, part := range append(strings.Split(path.Dir(file), "/"), name) {
		if slices.Contains(vague(), part) {
			faults = append(faults, fmt.Sprintf("%s: %s says nothing of what is in it: name it for its idea", file, part))
		}
	}
	return faults
}

// measure counts the lines of a file, and tells whether it says that it is
// generated.
func measure(file string) (lines int, generated bool, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		lines++
		text := scanner.Text()
		if strings.HasPrefix(text, "// Code generated ") && strings.HasSuffix(text, " DO NOT EDIT.") {
			generated = true
		}
	}
	return lines, generated, scanner.Err()
}
