package benchfailover

import (
	"strings"
	"testing"
	"time"

	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// An outcome is met where all of its trials are within the goal, and says what is not: one
// bad trial of a hundred must not hide behind the median.
func TestOutcome(t *testing.T) {
	want := goal{gap: 500 * time.Millisecond, settled: 5 * time.Second, still: true, final: 15 * time.Second}
	good := func(change func(*Trial)) *Trial {
		settled, reconciled := time.Second, time.Second
		trial := &Trial{Gap: 100 * time.Millisecond, Settled: &settled, Reconciled: &reconciled}
		change(trial)
		return trial
	}
	long := 20 * time.Second
	for _, tt := range []struct {
		name   string
		change func(*Trial)
		missed string
		whole  bool
	}{
		{"nothing", func(*Trial) {}, "", true},
		{"gap", func(t *Trial) { t.Gap = 501 * time.Millisecond }, "gap 501ms", true},
		{"settled", func(t *Trial) { t.Settled = &long }, "settled after 20s", true},
		{"never settled", func(t *Trial) { t.Settled = nil }, "roles unsettled in 1 trials", false},
		{"moved", func(t *Trial) { t.Moves = 1 }, "1 roles moved", true},
		{"final", func(t *Trial) { t.Final = long }, "final after 20s", true},
		{"reconciled", func(t *Trial) { t.Reconciled = &long }, "reconciled after 20s", true},
		{"silent", func(t *Trial) { t.Silent = true }, "no verdict after the fault in 1 trials", false},
		{"lost", func(t *Trial) { t.Lost = 1 }, "1 lost", false},
		{"contradicted", func(t *Trial) { t.Contradicted = 2 }, "2 contradicted", false},
		{"absent", func(t *Trial) { t.Absent = 3 }, "3 absent", false},
		{"blank", func(t *Trial) { t.Blank = 4 }, "4 without a view", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOutcome("fault", "")
			for range 99 {
				o.add(good(func(*Trial) {}), want)
			}
			o.add(good(tt.change), want)
			if missed := strings.Join(o.Missed, "; "); o.Met != (tt.missed == "") || !strings.Contains(missed, tt.missed) || o.Met != (missed == "") {
				t.Errorf("met: %v, missed %q, want %q", o.Met, missed, tt.missed)
			}
			if o.Whole() != tt.whole {
				t.Errorf("whole: %v, want %v", o.Whole(), tt.whole)
			}
			if len(o.Trials) != 100 || o.Gap.P50 != 100*time.Millisecond {
				t.Errorf("%d trials, median gap %v", len(o.Trials), o.Gap.P50)
			}
		})
	}
}

// A mesh that answers no more has its silent beats judged too: a soak that stops at the last
// verdict finds nothing lost in a mesh that is dead.
func TestLastBeat(t *testing.T) {
	seen := []arrival{{beat: 12}, {beat: 14}, {beat: 13}}
	for _, tt := range []struct {
		name    string
		seen    []arrival
		reached uint64
		want    uint64
	}{
		{"silence after the last verdict", seen, 900, 900},
		{"another run, which has just begun", seen, 1, 15},
		{"no verdict at all", nil, 900, 900},
		{"nothing", nil, 0, 10},
	} {
		if got := lastBeat(10, tt.seen, tt.reached); got != tt.want {
			t.Errorf("%s: judged up to %d, want %d", tt.name, got, tt.want)
		}
	}
}

// Of a fault that no trial of was finished nothing is known: it is not listed as one whose
// goal was missed.
func TestUnfinishedFault(t *testing.T) {
	r := &Result{}
	o := newOutcome("fault", "")
	if len(r.Faults) != 0 {
		t.Errorf("%d faults are listed without a trial", len(r.Faults))
	}
	for range 2 {
		r.take(o, &Trial{}, goal{})
	}
	if len(r.Faults) != 1 || len(r.Faults[0].Trials) != 2 {
		t.Errorf("%d faults are listed after two trials of one", len(r.Faults))
	}
}

// Growth is what a process uses more than it did, beyond what a log may take; one that was
// started anew says nothing, and says so.
func TestGrowth(t *testing.T) {
	count := func(n int) *int { return &n }
	before := use{node: "a", starts: 1, memory: 50 << 20, descriptors: 40, goroutines: count(200), verdicts: 1000}
	for _, tt := range []struct {
		name   string
		change func(*use)
		want   string
	}{
		{"nothing", func(*use) {}, ""},
		{"less", func(u *use) { u.memory, u.descriptors = 1, 1 }, ""},
		{"a log", func(u *use) { u.memory += 40 << 20; u.verdicts += 20_000 }, ""},
		{"memory", func(u *use) { u.memory += 40 << 20 }, "memory from 50 to 90 MiB"},
		{"descriptors", func(u *use) { u.descriptors += allowedDescriptors + 1 }, "descriptors from 40 to 57"},
		{"goroutines", func(u *use) { u.goroutines = count(300) }, "goroutines from 200 to 300"},
		{"no goroutines told", func(u *use) { u.goroutines = nil }, ""},
		{"started anew", func(u *use) { u.starts++ }, "started anew"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			after := before
			tt.change(&after)
			got := strings.Join(growthOf(before, after).Faults, "; ")
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("faults %q, want %q", got, tt.want)
			}
		})
	}
}

// A slip in the configuration is told before anything is started, all of them at once.
func TestConfigRefuses(t *testing.T) {
	good := func() Config { return Config{Program: "p", Trials: 1, Kills: 1, Rate: 200, For: time.Minute} }
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"nothing", func(*Config) {}, nil},
		{"all at once", func(c *Config) { *c = Config{} }, []string{"program", "0 trials", "rate 0"}},
		{"another fault", func(c *Config) { c.Only = []string{"fire"} }, []string{`no fault is "fire"`, "kill-both"}},
		{"network on loopback", func(c *Config) { c.Only, c.Loopback = []string{"loss-5"}, true }, []string{"without --loopback"}},
		{"random for no time", func(c *Config) { c.Only, c.For = []string{Random}, 0 }, []string{"random faults for 0s"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := good()
			tt.change(&c)
			err := c.Validate()
			if (err == nil) != (tt.want == nil) {
				t.Errorf("got %v", err)
			}
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v lacks %q", err, want)
				}
			}
		})
	}
	c := good()
	c.Loopback = true
	for _, f := range c.chosen() {
		if f.wires || f.name == Random {
			t.Errorf("loopback has %s", f.name)
		}
	}
}

// Places tell a mesh in which everything is in its place from one in which it is not.
func TestPlaces(t *testing.T) {
	living := []*member{{number: 0, name: "d"}, {number: devices, name: "h"}}
	of := func(change func(d, h *controlpb.Member)) places {
		d := &controlpb.Member{Name: "d", State: "alive", Views: []string{"north"}, Roles: []string{"device", cloudRole}}
		h := &controlpb.Member{Name: "h", State: "alive", Roles: []string{coordinatorRole, aggregatorRole}}
		change(d, h)
		return places(control.Places([]*controlpb.Member{d, h}))
	}
	for _, tt := range []struct {
		name   string
		change func(d, h *controlpb.Member)
		want   string
	}{
		{"nothing", func(_, _ *controlpb.Member) {}, ""},
		{"one is down", func(_, h *controlpb.Member) { h.State = "down" }, "sees 1 alive of 2"},
		{"no view", func(d, _ *controlpb.Member) { d.Views = nil }, "has not got a view"},
		{"no cloud", func(d, _ *controlpb.Member) { d.Roles = nil }, "sees 0 nodes as cloud"},
		{"two clouds", func(_, h *controlpb.Member) { h.Roles = append(h.Roles, cloudRole) }, "sees 2 nodes as cloud"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := of(tt.change).lacks(living); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("lacks %q, want %q", got, tt.want)
			}
		})
	}
}
