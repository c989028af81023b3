package lan

import (
	"testing"

	"ganglion/examples/walk"
)

// TestRun takes the walk of README.md.
func TestRun(t *testing.T) {
	walk.Take(t,
		`gng1-\S+$`, ` is aggregator$`, `: 3 alive;`, `^sources +folder cam/ feeds view camera1$`,
		`kill -9`, `: 2 alive,.*\n.*(\n.*){0,3}device, aggregator, coordinator`,
		`: 3 alive;`, `beats, each has its answer`, `^# Everything`,
	)
}
