package benchmesh

import (
	"os"
	"testing"
	"time"
)

// A program may have a name with brackets and spaces, which moves no field.
func TestProcessorTimeIn(t *testing.T) {
	for _, test := range []struct {
		name, stat string
		want       time.Duration
		fails      bool
	}{
		{"plain", "7 (ganglion) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 9 0 1 1 1", 2 * time.Second, false},
		{"strange name", "7 (a) b) (c) S 1 7 7 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 9 0 1 1 1", 30 * time.Millisecond, false},
		{"short", "7 (ganglion) S 1 7", 0, true},
		{"no number", "7 (ganglion) S 1 7 7 0 -1 4194304 100 0 0 0 x 50 0 0", 0, true},
		{"empty", "", 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := processorTimeIn([]byte(test.stat))
			if (err != nil) != test.fails || got != test.want {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

// A line that begins like the wanted one must not be taken for it.
func TestKilobytes(t *testing.T) {
	const status = "Name:\tx\nVmRSSwap:\t9 kB\nVmRSS:\t  2048 kB\nRssAnon:\t1 MB\n"
	if got, err := kilobytes([]byte(status), "VmRSS"); err != nil || got != 2<<20 {
		t.Errorf("got %v, %v; want 2 MiB", got, err)
	}
	for _, name := range []string{"RssAnon", "RssFile"} {
		if got, err := kilobytes([]byte(status), name); err == nil {
			t.Errorf("%s: got %d, want an error", name, got)
		}
	}
}

// What the tests above assume of /proc must be what there is: here is one process of which
// something is known.
func TestProcOfThisProcess(t *testing.T) {
	if !ProcKnown() {
		t.Skip("there is no /proc as Linux has it")
	}
	m, err := MemoryOf(os.Getpid())
	if err != nil || m.Anonymous == 0 || m.Resident < m.Anonymous {
		t.Errorf("memory %+v, %v; want some, and no more anonymous than resident", m, err)
	}
	before, err := processorTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const some = 50 * time.Millisecond
	for { // until work shows; the test's own limit ends it if it never does
		for range 1_000_000 {
			_ = os.Getpagesize()
		}
		now, err := processorTime(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if now-before >= some {
			return
		}
	}
}
