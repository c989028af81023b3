package roles

import (
	"fmt"
	"testing"
	"time"
)

// gap is the longest time between two verdicts of a run, and from when.
func (w *world) gap() (longest, from time.Duration) {
	last, run := time.Duration(0), RunID(0)
	for _, id := range w.order { // as they were published
		at := w.said[id][0].at
		if id.Run == run && at-last > longest { // between two runs there is none
			longest, from = at-last, last
		}
		last, run = at, id.Run
	}
	return longest, from
}

// Whenever a process is killed, the mesh answers again within half a second, even where the
// first standby has just begun anew and claims nothing yet. At 200 samples a second.
func TestKilledAtAnyTime(t *testing.T) {
	const most = 500 * ms
	for _, deployment := range []string{"c, 3 cameras, 2 spares", "c, 4 cameras, 0 spares", "f, 4 cameras, 2 spares"} {
		for _, anew := range []string{"cloud", "standby-of-coordinator"} {
			for _, dies := range []string{"coordinator", "cloud"} {
				for after := range 10 {
					text := fmt.Sprintf("deployment %s\nbeats 200 every 5ms\nat 3300ms restart %s after 50ms\nat %dms %s\n",
						deployment, anew, 3360+after*30, "crash "+dies)
					w := replay(t, uint64(after), text, looseness{})
					if longest, from := w.gap(); longest > most || len(w.broken) > 0 {
						t.Errorf("seed %d: no verdict for %v from %v: %v\n%s%s", after, longest, from, w.broken, text, w.transcript())
					}
				}
			}
		}
	}
}

// To leave in order costs less than to be killed, although the connections of who leaves stay
// for a while: its successor has heard of it, and nobody waits for it.
func TestLeavingCostsNothing(t *testing.T) {
	const most = 50 * ms
	for _, deployment := range []string{"c, 3 cameras, 2 spares", "c, 4 cameras, 0 spares", "f, 4 cameras, 2 spares"} {
		for _, who := range []string{"coordinator", "cloud", "n0"} {
			for after := range 5 {
				text := fmt.Sprintf("deployment %s\nbeats 200 every 5ms\nat %dms leave %s for 300ms\n", deployment, 3400+after, who)
				w := replay(t, uint64(after), text, looseness{})
				if longest, from := w.gap(); longest > most || len(w.broken) > 0 {
					t.Errorf("seed %d: no verdict for %v from %v: %v\n%s%s", after, longest, from, w.broken, text, w.transcript())
				}
				for _, id := range w.order {
					if w.verdict(id).StoppedEarly {
						t.Errorf("seed %d: %s stopped early\n%s%s", after, id, text, w.transcript())
						break
					}
				}
			}
		}
	}
}
