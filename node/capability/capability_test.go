package capability

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The best run counts: noise makes runs longer, never shorter. On a machine however
// slow there are a few, and on a clock however coarse the figure is not zero.
func TestMeasureTakesTheBest(t *testing.T) {
	for _, tt := range []struct {
		name  string
		costs []time.Duration // of one run of the kernel, in turn by measurement; the last repeats
		tick  time.Duration   // of the clock
		want  time.Duration   // 0: anything above zero
		runs  int             // at least
	}{
		{"steady", []time.Duration{7 * time.Microsecond}, 1, 7 * time.Microsecond, 100 * runs},
		{"noisy", []time.Duration{90 * time.Microsecond, 7 * time.Microsecond, 30 * time.Microsecond}, 1, 7 * time.Microsecond, 10 * runs},
		{"slow", []time.Duration{time.Second}, 1, time.Second, least * runs},
		{"a coarse clock", []time.Duration{7 * time.Microsecond}, time.Hour, 0, least * runs},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var now time.Duration
			calls := 0
			kernel := func() {
				now += tt.costs[min(calls/runs, len(tt.costs)-1)]
				calls++
			}
			got := measure(kernel, func() time.Duration { return now.Truncate(tt.tick) }, budget)
			if got <= 0 || tt.want != 0 && got != tt.want || calls < tt.runs {
				t.Errorf("measured %v in %d runs, want %v", got, calls, tt.want)
			}
		})
	}
}

// The clock of the thread must not count what other threads do, or a busy machine would
// get another class than an idle one.
func TestMeasureOnBusyMachine(t *testing.T) {
	var stop atomic.Bool
	var busy sync.WaitGroup
	defer busy.Wait()
	defer stop.Store(true)
	idle, err := Measure()
	if err != nil {
		t.Fatal(err)
	}
	for range 4 * runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			for !stop.Load() {
				continue // as others do that compute
			}
		})
	}
	loaded, err := Measure()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a run takes %v, on a busy machine %v", idle, loaded)
	if idle <= 0 || loaded <= 0 {
		t.Errorf("measured %v and %v", idle, loaded)
	}
	const class = 4
	if runtime.GOOS == "linux" && loaded > class*idle {
		t.Errorf("%v on a busy machine, %v on an idle one", loaded, idle)
	}
}

// All processes of one machine must be of one class: the first decides.
func TestStoredAgrees(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	file := place(folder)
	const several = 8
	figures := make([]time.Duration, several)
	var all sync.WaitGroup
	for i := range figures {
		all.Go(func() { figures[i] = agree(file, time.Duration(i+1)*time.Microsecond) })
	}
	all.Wait()
	for _, d := range figures {
		if d != figures[0] {
			t.Errorf("processes differ: %v", figures)
		}
	}
	if d, err := Stored(folder); err != nil || d != figures[0] {
		t.Errorf("a later process has %v, %v", d, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

// What is stored is no more than a help: damaged it is replaced, and where nothing can
// be kept a node starts all the same.
func TestStoredMeasures(t *testing.T) {
	folder := t.TempDir()
	for _, damage := range []string{"", "nanoseconds 12", "nanoseconds 0 end\n", "nanoseconds 99999999999999999999 end\n"} {
		if err := os.WriteFile(place(folder), []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		first, err := Stored(folder)
		if err != nil || first <= 0 {
			t.Errorf("with %q stored: %v, %v", damage, first, err)
		}
		if kept, ok := read(place(folder)); !ok || kept != first {
			t.Errorf("%q was not replaced: %v, %v", damage, kept, ok)
		}
	}
	blocked := filepath.Join(folder, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, nowhere := range []string{blocked, filepath.Join(blocked, "below")} {
		if d, err := Stored(nowhere); err != nil || d <= 0 {
			t.Errorf("where nothing can be kept: %v, %v", d, err)
		}
	}
	for name := range map[string]bool{"HOME": true, "XDG_CACHE_HOME": true, "LocalAppData": true} {
		t.Setenv(name, "")
	}
	if d, err := Stored(""); err != nil || d <= 0 {
		t.Errorf("without a home: %v, %v", d, err)
	}
}

// A figure of any bytes is either written as it is read, or none.
func FuzzDecode(f *testing.F) {
	f.Add("nanoseconds 6500 end\n")
	f.Add("nanoseconds -1 end\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := decode(text)
		if !ok {
			return
		}
		if again, ok := decode(encode(d)); !ok || again != d || d < fastest || d > slowest {
			t.Errorf("%q is %v, and again %v", text, d, again)
		}
	})
}
