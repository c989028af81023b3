package remotecloud

import (
	"testing"

	"ganglion/examples/walk"
)

// TestRun takes the walk of README.md.
func TestRun(t *testing.T) {
	walk.Take(t,
		`^# Three cameras`, `: 3 alive;`, `^# The host`, ` found by join$`, ` is cloud$`, `: 4 alive;`,
		`^ *host-\S+ +alive +cloud`, `^# Half of the local`,
		`^# The host is cut off`, ` local .*stopped early`, `: 3 alive,`,
		`^# The cable is back`, ` cloud `, `beats, each has its answer`, ` 0 lost`, `^# Everything`,
	)
}
