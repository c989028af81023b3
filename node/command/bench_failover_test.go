package command

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"ganglion/node/benchfailover"
	"ganglion/node/benchmesh"
)

// A slip in the command line must be told before any node is started.
func TestBenchFailoverRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string // in the error
	}{
		{"another fault", []string{"--only", "fire"}, "kill-aggregator"},
		{"no trials", []string{"--trials", "0"}, "0 trials"},
		{"rate", []string{"--rate", "1e9"}, "samples a second"},
		{"network on loopback", []string{"--loopback", "--only", "partition"}, "without --loopback"},
		{"a time without random faults", []string{"--for", "10m"}, "--only random"},
		{"a time for others", []string{"--for", "10m", "--only", "kill-cloud"}, "--only random"},
		{"argument", []string{"fast"}, "fast"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := Main(append([]string{"bench", "failover"}, test.args...), strings.NewReader(""), &out, &errs, "test")
			if code != exitUsage || !strings.Contains(errs.String(), test.want) || out.Len() > 0 {
				t.Errorf("exit code %d, output %q, error %q; want %d and %q", code, &out, &errs, exitUsage, test.want)
			}
		})
	}
}

// Where no namespaces can be had, it must say how to get them and how to do without.
func TestBenchFailoverNeedsSpaces(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out, errs bytes.Buffer
	code := Main([]string{"bench", "failover"}, strings.NewReader(""), &out, &errs, "test")
	if code != exitFailed || !strings.Contains(errs.String(), "no network namespaces here") || !strings.Contains(errs.String(), "--loopback") {
		t.Errorf("exit code %d, error %q", code, &errs)
	}
}

// The report must show each figure in its place, and say of every fault whether its goal is
// met.
func TestBenchFailoverText(t *testing.T) {
	ms := func(n int) benchfailover.Spread {
		d := time.Duration(n) * time.Millisecond
		return benchfailover.Spread{Trials: 2, P50: d, P90: d + time.Millisecond, Worst: d + 2*time.Millisecond}
	}
	r := &benchfailover.Result{
		Machine: benchmesh.Machine{Platform: "linux/amd64", Go: "go1", Processors: 2, Load: [2]string{"0.50", "1.50"}}, Rate: 200, Seed: 77,
		Faults: []*benchfailover.Outcome{
			{
				Title: "good", Trials: make([]*benchfailover.Trial, 2), Noticed: ms(11), Claimed: ms(21), Moved: ms(25), Next: ms(31), Settled: ms(41), Gap: ms(51),
				Moves: 61, Due: 71, InFlight: 81, InFlightEarly: 82, StoppedEarly: 83, Unseen: 84, Superseded: 85, Contradicted: 86, Open: 88, Lost: 87,
				Ends: true, Final: ms(91), Reconciled: ms(92), Want: "0 lost", Met: true,
			},
			{Title: "bad", Want: "gap <= 1s", Missed: []string{"gap 2s", "3 lost"}},
		},
		Growth: []benchfailover.Growth{{Node: "device-1", Memory: [2]int64{1 << 20, 3 << 19}, Descriptors: [2]int{40, 41}, Verdicts: 99}},
	}
	text := failoverText(r)
	for _, want := range []string{
		"200 samples a second", "seed 77", "load 0.50 before, 1.50 after",
		"11 / 12 / 13 | 21 / 22 / 23 | 25 / 26 / 27 | 31 / 32 / 33 | 41 / 42 / 43 | 51 / 52 / 53 | 61",
		"good | 91 / 92 / 93 | 92 / 93 / 94", "settled counts from the end of a fault that ends",
		"71 | 81 | 82 | 83 | 84 | 85 | 86 | 88 | 87", "MISSED: gap 2s, 3 lost", "1.0, 1.5 | not told | 40, 41 | 99",
	} {
		found := false
		for line := range strings.Lines(text) {
			var cells []string
			for cell := range strings.SplitSeq(strings.TrimSpace(line), "   ") {
				if cell = strings.TrimSpace(cell); cell != "" {
					cells = append(cells, cell)
				}
			}
			found = found || strings.Contains(strings.Join(cells, " | "), want)
		}
		if !found {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}
