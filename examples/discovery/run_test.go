package discovery

import (
	"testing"

	"ganglion/examples/walk"
)

// TestRun takes the walk of README.md.
func TestRun(t *testing.T) {
	walk.Take(t,
		`^# Round 1`, ` found by (mdns|beacon)$`, `: 3 alive;`,
		`^# Round 2`, ` found by mdns$`,
		`^# Round 3`, ` found by beacon$`,
		`^# Round 4`, `^warning .*alone for .* blocks broadcasts and multicast.* --join ADDRESS.*10\.77\.0\.2:4801`, `: 1 alive;`,
		`--join 10\.77\.0\.1$`, ` found by join$`, `: 3 alive;`,
		`^# Everything`,
	)
}
