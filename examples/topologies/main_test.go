package main

import (
	"strings"
	"testing"
	"time"

	"ganglion/inference/topology"
)

// Every deployment of the paper runs on nodes that talk over sockets, and says what one
// process would have said, bit for bit: without this, a way of a sample that no preset but
// one uses would break unnoticed. What the devices sent is what the paper's formula says.
func TestTopologies(t *testing.T) {
	t.Setenv("GANGLION_RUN_DIR", t.TempDir())
	c := config{samples: 48, period: 20 * time.Millisecond}
	if testing.Short() || raced {
		c.samples, c.period = 16, 50*time.Millisecond
	}
	for _, preset := range topology.Presets() {
		t.Run(preset.Name, func(t *testing.T) {
			r, err := deploy(t.Context(), preset.Name, c)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("\n%s\n%s", header, r)
			if err := r.fault(); err != nil {
				t.Error(err)
			}
			if r.samples != c.samples || r.same != c.samples {
				t.Errorf("%d of %d verdicts agree, want %d", r.same, r.samples, c.samples)
			}
			// What came too late on a busy machine was sent, and is in no verdict.
			if r.partial == 0 && r.late == 0 && r.bytes != r.formula() {
				t.Errorf("%v bytes for each seen view, the formula says %v", r.bytes, r.formula())
			}
		})
	}
}

// Whoever misspells a deployment is told which there are.
func TestUnknownDeployment(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), &out, config{only: "g", samples: 1, period: time.Second})
	if err == nil || !strings.Contains(err.Error(), `"g"`) {
		t.Errorf("got %v, want an error that names it", err)
	}
}
