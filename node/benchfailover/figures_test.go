package benchfailover

import (
	"testing"
	"time"
)

const period = 10 * time.Millisecond

// at is a moment of a trial whose fault strikes at 1 s.
func at(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }

// steadily is verdicts of beats, which fall each period from 0 on, that come so late.
func steadily(from, to uint64, late time.Duration) (all []arrival) {
	for b := from; b < to; b++ {
		all = append(all, arrival{at: at(0).Add(time.Duration(b)*period + late), beat: b, since: late})
	}
	return all
}

// A gap is found wherever it is: around the fault, later, and where nothing comes any more;
// what lies beyond the time that counts is none of it.
func TestFlowGap(t *testing.T) {
	m := &marks{struck: at(1000), closed: at(3000)}
	late := time.Millisecond
	for _, tt := range []struct {
		name     string
		arrivals []arrival
		gap      time.Duration
		after    time.Duration
	}{
		{"none", steadily(0, 400, late), period, -9 * time.Millisecond},
		{"around the fault", append(steadily(0, 99, late), steadily(130, 400, late)...), 320 * time.Millisecond, -19 * time.Millisecond},
		{"later", append(steadily(0, 200, late), steadily(240, 400, late)...), 410 * time.Millisecond, 991 * time.Millisecond},
		{"to the end", steadily(0, 150, late), 1509 * time.Millisecond, 491 * time.Millisecond},
		{"before", append(steadily(0, 10, late), steadily(90, 400, late)...), period, -9 * time.Millisecond},
		{"beyond the end", append(steadily(0, 290, late), steadily(350, 400, late)...), 109 * time.Millisecond, 1891 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := flowOf(tt.arrivals, period, m)
			if f.gap != tt.gap || f.gapAfter != tt.after {
				t.Errorf("gap of %v, %v after the fault; want %v, %v", f.gap, f.gapAfter, tt.gap, tt.after)
			}
		})
	}
}

// Samples in flight are those whose beat had fallen; the next verdict is of one whose beat
// had not. A late publication must not look like a sample in flight for ever.
func TestFlowInFlight(t *testing.T) {
	m := &marks{struck: at(1005), closed: at(3000)}
	arrivals := steadily(0, 98, time.Millisecond)
	arrivals = append(
		arrivals,
		arrival{at: at(1200), beat: 98, early: true},
		arrival{at: at(1200), beat: 101},
		arrival{at: at(1210), beat: 99},
		arrival{at: at(1220), beat: 100, early: true},
		arrival{at: at(1230), beat: 102, early: true},
	)
	f := flowOf(arrivals, period, m)
	if f.inFlight != 3 || f.early != 2 {
		t.Errorf("%d samples were in flight, %d of them stopped early; want 3 and 2", f.inFlight, f.early)
	}
	if f.next == nil || *f.next != 195*time.Millisecond {
		t.Errorf("the next verdict came after %v, want 195 ms", f.next)
	}
	if f := flowOf(steadily(0, 98, time.Millisecond), period, m); f.next != nil {
		t.Errorf("the next verdict came after %v, none did", *f.next)
	}
}

// What became final late counts from the end of the fault, for beats that fell before it.
func TestFlowFinal(t *testing.T) {
	m := &marks{struck: at(1000), ends: at(2000), closed: at(5000)}
	arrivals := append(steadily(0, 100, time.Millisecond), arrival{at: at(2700), beat: 150}, arrival{at: at(4000), beat: 300})
	if f := flowOf(arrivals, period, m); f.final != 700*time.Millisecond {
		t.Errorf("final after %v, want 700 ms", f.final)
	}
}

func elected(ms int, by, role, name, before string) happening {
	attributes := map[string]string{"role": role, "name": name, "peer": "id-" + name}
	if before != "" {
		attributes["before"] = "id-" + before
	}
	return happening{at: at(ms), by: by, kind: electedEvent, attributes: attributes}
}

// Events are read as a person reads them: who says first that the victim is amiss, not who
// names it otherwise; who first claims a role, who first names another holder, when the last role moved, and how many did, told by however
// many nodes.
func TestNews(t *testing.T) {
	events := []happening{
		elected(900, "a", "aggregator", "old", ""), // before the fault
		elected(1400, "a", "aggregator", "new", "victim"),
		elected(1350, "b", "aggregator", "new", "victim"),
		{at: at(1100), by: "b", kind: "noticed", attributes: map[string]string{"peer": "id-victim"}},
		{at: at(1050), by: "b", kind: "down", attributes: map[string]string{"peer": "id-other"}},
		elected(1500, "c", "cloud", "", "victim"),
		elected(1600, "c", "cloud", "third", ""),
		{at: at(1010), by: "victim", kind: "claimed", attributes: map[string]string{"peer": "id-victim", "before": "id-other"}},
		{at: at(1015), by: "c", kind: "left", attributes: map[string]string{"peer": "id-victim"}},
		{at: at(1200), by: "b", kind: "claimed", attributes: map[string]string{"peer": "id-b", "before": "id-victim"}},
		{at: at(1020), by: "c", kind: "joined", attributes: map[string]string{"peer": "id-victim"}},
		elected(9000, "c", "cloud", "late", "third"), // when nobody looked any more
	}
	m := &marks{struck: at(1000), closed: at(3000)}
	n := newsOf(events, []string{"id-victim"}, m)
	if n.noticed == nil || *n.noticed != 100*time.Millisecond || n.how != "noticed" {
		t.Errorf("noticed after %v by %q", n.noticed, n.how)
	}
	if n.claimed == nil || *n.claimed != 10*time.Millisecond {
		t.Errorf("claimed after %v, want 10 ms", n.claimed)
	}
	if n.moved == nil || *n.moved != 350*time.Millisecond {
		t.Errorf("moved after %v, want 350 ms", n.moved)
	}
	if n.settled != 600*time.Millisecond || n.moves != 2 {
		t.Errorf("settled after %v, %d moves; want 600 ms and 2", n.settled, n.moves)
	}
	m.ends = at(1550)
	if n := newsOf(events, []string{"id-victim"}, m); n.settled != 50*time.Millisecond {
		t.Errorf("settled %v after the end, want 50 ms", n.settled)
	}
	if n := newsOf(nil, nil, m); n.noticed != nil || n.claimed != nil || n.moved != nil || n.settled != 0 || n.moves != 0 {
		t.Errorf("nothing happened, and %+v", n)
	}
}

// A fault begins in a mesh that answers in full; that a machine is busy and a view now and
// then late must not keep it from beginning.
func TestWhole(t *testing.T) {
	of := func(lacking ...int) []arrival {
		all := steadily(0, 100, 0)
		for _, i := range lacking {
			all[i].missing = []missing{{"north", "silent"}}
		}
		return all
	}
	for _, tt := range []struct {
		name string
		of   []arrival
		want bool
	}{
		{"all", of(), true},
		{"too few", of()[:calmFor-1], false},
		{"some late", of(61, 70, 80, 99), true},
		{"one more", of(61, 70, 80, 98, 99), false},
		{"before", of(1, 2, 3, 4, 5, 59), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := whole(tt.of, calmFor); got != tt.want {
				t.Errorf("whole: %v", got)
			}
		})
	}
	if got, want := lackText(of(97, 99), 10), "of the last 10, 2 lack north (silent)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
