package realnet

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ganglion/node/benchfailover"
	"ganglion/node/lab"
)

// thorough names the variable that has each fault of the bench more than once, and as long
// as its goal wants: hours. Its value is not looked at.
const thorough = "GANGLION_TEST_THOROUGH"

// faultsWait bounds all faults of a plain run; they take three minutes.
const faultsWait = 12 * time.Minute

// TestFaults has a live mesh of eight processes go through the faults of real machines and
// real networks, on a switch in user space: kernels that can delay, lose or cut frames are
// not everywhere. Whatever the fault, nothing is lost, no sample has two verdicts that stand,
// every beat is final soon after, all nodes agree on one assignment, and no process ends that
// was not killed. How long it all took is printed; `ganglion bench failover` measures that.
func TestFaults(t *testing.T) {
	needed(t)
	dir := folder(os.Getpid())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	// One after the other, on one mesh: what a fault leaves behind meets the next.
	config := benchfailover.Config{
		Program: os.Getenv(program), Trials: 1, Kills: 1, Rate: 50, Seed: uint64(os.Getpid()), Short: true,
		Only: []string{
			"kill-all-but-one", "pause-1s", "pause-10s", "unplug", "one-way", "delay", "loss-5",
			"partition", "restart-each", "restart-storm",
		},
	}
	wait := faultsWait
	if os.Getenv(thorough) != "" {
		config.Only, config.Trials, config.Kills, config.Rate, config.Short = nil, 3, 5, 200, false
		wait = 4 * time.Hour
	}
	result := haveFaults(t, wait, config)
	for _, o := range result.Faults {
		still := o.Name == "delay" || o.Name == "loss-5"
		for again := 0; still && o.Moves > 0 && again < 2; again++ {
			// A machine that is too busy moves roles by itself, now and then.
			t.Logf("%s: %d roles moved: once more", o.Name, o.Moves)
			config.Only = []string{o.Name}
			o = haveFaults(t, wait, config).Faults[0]
		}
		if still && o.Moves > 0 {
			t.Errorf("%s: %d roles moved, each time", o.Name, o.Moves)
		}
	}
}

// TestFaultsOnLoopback has what is left to somebody who is not root: it starts, kills, and
// counts in the same way.
func TestFaultsOnLoopback(t *testing.T) {
	needed(t)
	config := benchfailover.Config{
		Program: os.Getenv(program), Trials: 1, Kills: 1, Rate: 50, Seed: uint64(os.Getpid()), Loopback: true, Only: []string{"kill-both"},
	}
	if trial := haveFaults(t, faultsWait, config).Faults[0].Trials[0]; trial.Next == nil || trial.Moves == 0 {
		t.Errorf("both holders were killed, and %+v", trial)
	}
}

// haveFaults has faults, and holds what is to hold on the slowest machine.
func haveFaults(t *testing.T, wait time.Duration, config benchfailover.Config) *benchfailover.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	t.Logf("seed %d", config.Seed)
	result, err := benchfailover.Run(ctx, config, func(string, int, int) {}, nil)
	if errors.Is(err, lab.ErrUnsupported) {
		t.Skip(err)
	}
	if result == nil {
		t.Fatal(err)
	}
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	for _, o := range result.Faults {
		seconds := 0.0
		for _, one := range o.Trials {
			seconds += one.Seconds
		}
		t.Logf("%s (%.0f s): longest gap %v, settled after %v; %d due, %d in flight, %d stopped early, %d superseded, %d roles moved", o.Title, seconds,
			round(o.Gap.Worst), round(o.Settled.Worst), o.Due, o.InFlight, o.StoppedEarly, o.Superseded, o.Moves)
		if !o.Whole() {
			t.Errorf("%s: %s", o.Name, strings.Join(o.Missed, ", "))
		}
		if o.Due == 0 || len(o.Trials) == 0 || slices.ContainsFunc(o.Trials, func(t *benchfailover.Trial) bool { return t.Silent }) {
			t.Errorf("%s: the mesh no longer answers", o.Name)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return result
}
