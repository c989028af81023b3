package main

import (
	"strings"
	"testing"
)

// The first program that a reader runs must work, end, and say what its README says it
// does. Who holds a role depends on identities that are drawn anew: the lines that do not
// are held to the letter.
func TestQuickstart(t *testing.T) {
	t.Setenv("GANGLION_RUN_DIR", t.TempDir())
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	for _, want := range []string{
		"[camera0 camera1 camera2]\n",
		"[camera3 camera4 camera5]\n",
		`
sample 5 shows a bus; the mesh says bus
`,
		"  local exit   bus, entropy 0.763 > 0.722: not sure enough: the tier above is asked\n",
		"  cloud exit   bus, entropy 0.707 <= 1.000: answered\n",
		"  decided by   ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in what it prints:\n%s", want, got)
		}
	}
}
