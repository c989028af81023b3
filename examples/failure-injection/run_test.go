package failureinjection

import (
	"testing"

	"ganglion/examples/walk"
)

// TestRun takes the walk of README.md.
func TestRun(t *testing.T) {
	walk.Take(t,
		`: 8 alive;`,
		`  fault     kill: \S+ \(.*aggregator`, `  verdict   first verdict after it, by `, `largest gap between verdicts |no verdict for `, ` \+ 0 lost \+ `,
		`^ *20s  slow 2 of devices by 60ms for 4s `, `^Nothing was done`,
		`  fault     kill: `, `  moved     \S+ is aggregator instead of `,
		`  fault     pause for 2s: `, `  over      pause of `,
		`  fault     cut for 4s: `, `  over      cut of `,
		`  fault     slow by 60ms for 4s: `, `  fault     lose 2% for 4s: `, ` \+ 0 lost \+ `,
		`: 6 alive,`,
		`^# Three machines`, `  fault     cut for 6s: north`, `  over      cut of north is over`,
		`south: .*--allow-chaos`,
		`^# Everything`,
	)
}
