package benchfailover

import (
	"fmt"
	"slices"
	"time"

	"ganglion/node/benchmesh"
)

// Result is what was measured.
type Result struct {
	benchmesh.Machine

	Seed     uint64     `json:"seed"`
	Loopback bool       `json:"loopback"`
	Rate     float64    `json:"rate"`
	Faults   []*Outcome `json:"faults"`
	Growth   []Growth   `json:"growth,omitempty"` // of random faults
}

// take takes another trial of a fault, which is listed from its first on: of one without a
// trial nothing is known.
func (r *Result) take(o *Outcome, t *Trial, want goal) {
	o.add(t, want)
	if len(o.Trials) == 1 {
		r.Faults = append(r.Faults, o)
	}
}

// Trial is one time that a fault was had. Durations are from the fault on unless they say
// otherwise; nil: it never was so.
type Trial struct {
	Seconds  float64        `json:"seconds"` // that it took, until everything was in its place again
	Victims  []string       `json:"victims"`
	Noticed  *time.Duration `json:"noticed_ns"` // a node tells that something is amiss with a victim
	How      string         `json:"noticed_by"` // kind of its event
	Claimed  *time.Duration `json:"claimed_ns"` // a node claims a role
	Moved    *time.Duration `json:"moved_ns"`   // a node tells of another holder of a role
	Next     *time.Duration `json:"next_ns"`    // the first verdict of a beat that fell after the fault
	Settled  *time.Duration `json:"settled_ns"` // the last role moved; from the fault's end where it ends
	Gap      time.Duration  `json:"gap_ns"`     // the longest time without a verdict
	GapAfter time.Duration  `json:"gap_after_ns"`
	Observer string         `json:"observer"` // at whom that was

	Final      time.Duration  `json:"final_ns"`      // from the fault's end to the last verdict of a beat that fell before
	Reconciled *time.Duration `json:"reconciled_ns"` // from the fault's end until all logs agreed

	Ends          bool `json:"ends"`   // the fault was taken back
	Moves         int  `json:"moves"`  // of roles to another holder
	Silent        bool `json:"silent"` // no verdict of a beat after the fault came to an observer
	Due           int  `json:"due"`    // beats that were looked at
	InFlight      int  `json:"in_flight"`
	InFlightEarly int  `json:"in_flight_stopped_early"`
	StoppedEarly  int  `json:"stopped_early"`
	Open          int  `json:"open"` // without a verdict when there was no more time, and still at work
	Lost          int  `json:"lost"`
	Contradicted  int  `json:"contradicted"`
	Absent        int  `json:"absent"` // verdicts that a node lacks which was there all along
	Superseded    int  `json:"superseded"`
	Blank         int  `json:"blank"`  // decided without a view although a node that was not hit saw something
	Unseen        int  `json:"unseen"` // decided without the view of a node that was not hit

	BlankReasons map[string]int  `json:"blank_reasons"`  // for which views were missing in those
	BlankAfter   []time.Duration `json:"blank_after_ns"` // when the first of their beats fell
}

// Spread is how durations are spread.
type Spread struct {
	Trials int           `json:"trials"` // in which there was one
	P50    time.Duration `json:"p50_ns"`
	P90    time.Duration `json:"p90_ns"`
	Worst  time.Duration `json:"worst_ns"`
}

func spreadOf(of []time.Duration) Spread {
	slices.Sort(of)
	const p50, p90 = 0.5, 0.9
	return Spread{len(of), benchmesh.Quantile(of, p50), benchmesh.Quantile(of, p90), benchmesh.Quantile(of, 1)}
}

// Outcome is what a fault came to over its trials.
type Outcome struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	Trials []*Trial `json:"trials"`

	Noticed    Spread `json:"noticed"`
	Claimed    Spread `json:"claimed"`
	Moved      Spread `json:"moved"`
	Next       Spread `json:"next"`
	Settled    Spread `json:"settled"`
	Gap        Spread `json:"gap"`
	Final      Spread `json:"final"`
	Reconciled Spread `json:"reconciled"`

	Ends          bool `json:"ends"` // the fault was taken back
	Moves         int  `json:"moves"`
	Silent        int  `json:"silent"` // trials
	Due           int  `json:"due"`
	InFlight      int  `json:"in_flight"`
	InFlightEarly int  `json:"in_flight_stopped_early"`
	StoppedEarly  int  `json:"stopped_early"`
	Open          int  `json:"open"` // without a verdict when there was no more time, and still at work
	Lost          int  `json:"lost"`
	Contradicted  int  `json:"contradicted"`
	Absent        int  `json:"absent"`
	Superseded    int  `json:"superseded"`
	Blank         int  `json:"blank"`
	Unseen        int  `json:"unseen"`

	Want   string   `json:"goal"`
	Met    bool     `json:"met"`
	Missed []string `json:"missed"` // what of the goal, in words
}

func newOutcome(name, title string) *Outcome {
	return &Outcome{Name: name, Title: title, Trials: []*Trial{}, Missed: []string{}}
}

// add takes another trial, and sums up and judges all of them.
func (o *Outcome) add(t *Trial, want goal) {
	trials := append(o.Trials, t)
	*o = Outcome{Name: o.Name, Title: o.Title, Trials: trials, Missed: []string{}}
	var noticed, claimed, moved, next, settled, gap, final, reconciled []time.Duration
	known := func(to *[]time.Duration, d *time.Duration) {
		if d != nil {
			*to = append(*to, *d)
		}
	}
	for _, t := range o.Trials {
		known(&noticed, t.Noticed)
		known(&claimed, t.Claimed)
		known(&moved, t.Moved)
		known(&next, t.Next)
		known(&settled, t.Settled)
		known(&reconciled, t.Reconciled)
		gap, final = append(gap, t.Gap), append(final, t.Final)
		o.Ends = o.Ends || t.Ends
		o.Moves += t.Moves
		if t.Silent {
			o.Silent++
		}
		o.Due += t.Due
		o.InFlight += t.InFlight
		o.InFlightEarly += t.InFlightEarly
		o.StoppedEarly += t.StoppedEarly
		o.Open += t.Open
		o.Lost += t.Lost
		o.Contradicted += t.Contradicted
		o.Absent += t.Absent
		o.Superseded += t.Superseded
		o.Blank += t.Blank
		o.Unseen += t.Unseen
	}
	o.Noticed, o.Claimed, o.Moved = spreadOf(noticed), spreadOf(claimed), spreadOf(moved)
	o.Next, o.Settled = spreadOf(next), spreadOf(settled)
	o.Gap, o.Final, o.Reconciled = spreadOf(gap), spreadOf(final), spreadOf(reconciled)
	o.judge(want)
}

// Whole tells whether nothing is lost, contradicted or absent, verdicts came on after the
// fault, and roles have settled: what holds on the slowest machine.
func (o *Outcome) Whole() bool {
	return o.Silent == 0 && o.Open == 0 && o.Lost == 0 && o.Contradicted == 0 && o.Absent == 0 && o.Settled.Trials == len(o.Trials)
}

// judge holds the outcome against its goal.
func (o *Outcome) judge(want goal) {
	o.Want = "0 lost"
	hold := func(met bool, format string, args ...any) {
		if !met {
			o.Missed = append(o.Missed, fmt.Sprintf(format, args...))
		}
	}
	hold(o.Silent == 0, "no verdict after the fault in %d trials", o.Silent)
	hold(o.Open == 0, "%d still open", o.Open)
	hold(o.Lost == 0, "%d lost", o.Lost)
	hold(o.Contradicted == 0, "%d contradicted", o.Contradicted)
	hold(o.Absent == 0, "%d absent from a log", o.Absent)
	hold(o.Blank == 0, "%d without a view that was seen", o.Blank)
	if want.gap > 0 {
		o.Want += fmt.Sprintf(", gap <= %v", want.gap)
		hold(o.Gap.Worst <= want.gap, "gap %v", o.Gap.Worst.Round(time.Millisecond))
	}
	if n := len(o.Trials) - o.Settled.Trials; n > 0 {
		hold(false, "roles unsettled in %d trials", n)
	}
	if want.settled > 0 {
		o.Want += fmt.Sprintf(", settled <= %v", want.settled)
		hold(o.Settled.Worst <= want.settled, "settled after %v", o.Settled.Worst.Round(time.Millisecond))
	}
	if want.still {
		o.Want += ", no role moves"
		hold(o.Moves == 0, "%d roles moved", o.Moves)
	}
	if want.final > 0 {
		o.Want += fmt.Sprintf(", final and reconciled <= %v", want.final)
		hold(o.Final.Worst <= want.final, "final after %v", o.Final.Worst.Round(time.Millisecond))
		hold(o.Reconciled.Worst <= want.final, "reconciled after %v", o.Reconciled.Worst.Round(time.Millisecond))
	}
	o.Met = len(o.Missed) == 0
}
