package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every section of docs/results.md that has figures must be measured by `make results`, and
// what that measures must have a section: a table that nobody can make again is a claim.
func TestResultsAreMeasured(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no POSIX shell to list the parts with")
	}
	list, err := exec.CommandContext(t.Context(), shell, ".tools/results.sh", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	var measured []string
	for line := range strings.Lines(string(list)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 3 {
			t.Fatalf("%q is no name, limit and section", line)
		}
		measured = append(measured, cells[2])
	}
	text, err := os.ReadFile("docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(measured) == 0 {
		t.Error("nothing is measured")
	}
	headings := regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatchIndex(string(text), -1)
	var sections []string
	for i, at := range headings {
		end := len(text)
		if i+1 < len(headings) {
			end = headings[i+1][0]
		}
		name := string(text[at[2]:at[3]])
		sections = append(sections, name)
		if body := string(text[at[1]:end]); strings.Contains(body, "\n```") && !slices.Contains(measured, name) {
			t.Errorf("section %q has commands, and no part of .tools/results.sh is of it", name)
		}
	}
	for _, name := range measured {
		if !slices.Contains(sections, name) {
			t.Errorf("a part of .tools/results.sh is of section %q, which docs/results.md does not have", name)
		}
	}
}
