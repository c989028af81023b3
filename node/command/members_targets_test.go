package command

import (
	"strings"
	"testing"

	"ganglion/node/control"
)

// Prometheus reads this file as it is: the keys are its own, and a node of another mesh on
// the same machine is another job's.
func TestTargets(t *testing.T) {
	var out strings.Builder
	if err := printTargets(&out, "wh25mdwy", []control.RunFile{
		{Name: "south", API: "127.0.0.1:4803", Mesh: "wh25mdwy"},
		{Name: "stranger", API: "127.0.0.1:4900", Mesh: "aaaaaaaa"},
		{Name: "north", API: "127.0.0.1:4802", Mesh: "wh25mdwy"},
	}); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(out.String()), "")
	want := `[{"targets":["127.0.0.1:4802"],"labels":{"mesh":"wh25mdwy","node":"north"}},` +
		`{"targets":["127.0.0.1:4803"],"labels":{"mesh":"wh25mdwy","node":"south"}}]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
