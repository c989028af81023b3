package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"ganglion/proto/controlpb"
)

// Report is what came of one injection.
type Report struct {
	Number int
	Injection
	Noticed []Entry // the first node for each target and each way of noticing
	Claimed []Entry
	Moved   []Entry
	First   *Entry // verdict after it; nil: none
	// LargestGap between two verdicts from the last one before the fault to the next fault,
	// as they came to whoever listened; UsualGap is the run's period or, where that is not
	// known, the mean of those before.
	LargestGap, UsualGap time.Duration
	Open                 bool // the largest gap has no end yet
	Silent               bool // no verdict came, before or after
	InFlight             InFlight
}

// ms is a duration in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }

// entryJSON is an entry for programs.
type entryJSON struct {
	Fault  int     `json:"fault"`
	MS     float64 `json:"ms"`
	What   What    `json:"what"`
	Node   string  `json:"node,omitempty"`
	By     string  `json:"by,omitempty"`
	How    string  `json:"how,omitempty"`
	Role   string  `json:"role,omitempty"`
	Sample string  `json:"sample,omitempty"`
	Text   string  `json:"text"`
}

// MarshalJSON writes the entry with its time in milliseconds.
func (e Entry) MarshalJSON() ([]byte, error) {
	return json.Marshal(entryJSON{e.Number, ms(e.Since), e.What, e.Node, e.By, e.How, e.Role, e.Sample, e.Text})
}

// faultJSON is a fault for programs.
type faultJSON struct {
	Do    Do      `json:"do"`
	For   float64 `json:"for_ms,omitempty"`
	Delay float64 `json:"delay_ms,omitempty"`
	Loss  float64 `json:"loss,omitempty"`
}

// MarshalJSON writes the fault with its times in milliseconds.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{f.Do, ms(f.For), ms(f.Delay), f.Loss})
}

// reportJSON is a report for programs.
type reportJSON struct {
	Number     int       `json:"number"`
	At         time.Time `json:"at"`
	Fault      Fault     `json:"fault"`
	Targets    []Node    `json:"targets"`
	Noticed    *Entry    `json:"noticed"` // null: nobody did
	Claimed    []Entry   `json:"claimed"`
	Moved      []Entry   `json:"moved"`
	First      *Entry    `json:"first_verdict"` // null: none
	LargestGap *float64  `json:"largest_gap_ms"`
	UsualGap   float64   `json:"usual_gap_ms"`
	Open       bool      `json:"gap_is_open"`
	InFlight   InFlight  `json:"in_flight"`
}

// MarshalJSON writes the report with its times in milliseconds.
func (r Report) MarshalJSON() ([]byte, error) {
	out := reportJSON{
		Number: r.Number, At: r.At, Fault: r.Fault, Targets: orEmpty(r.Targets), Claimed: orEmpty(r.Claimed), Moved: orEmpty(r.Moved),
		First: r.First, UsualGap: ms(r.UsualGap), Open: r.Open, InFlight: r.InFlight,
	}
	if len(r.Noticed) > 0 {
		out.Noticed = &r.Noticed[0]
	}
	if !r.Silent {
		gap := ms(r.LargestGap)
		out.LargestGap = &gap
	}
	return json.Marshal(out)
}

// orEmpty is a list that is no null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Lines says in sentences what the timeline's entries do not: the gap, and what was in
// flight.
func (r *Report) Lines() []string {
	if r.Fault.Do == Heal {
		return nil
	}
	if r.Silent {
		return []string{"no verdict came, before or after: nothing is asked of the mesh"}
	}
	gap := "largest gap between verdicts " + duration(r.LargestGap)
	switch {
	case r.LargestGap == 0:
		gap = "too short to see a gap between verdicts"
	case r.Open:
		gap = "no verdict for " + duration(r.LargestGap)
	}
	if r.UsualGap > 0 {
		gap += ", before the fault usually " + duration(r.UsualGap)
	}
	return []string{gap, r.InFlight.String()}
}

// String says what became of the samples in flight.
func (f InFlight) String() string {
	if f.Samples == 0 {
		return "no sample was in flight"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(f.By)) {
		parts = append(parts, fmt.Sprintf("%d decided by %s", f.By[name], name))
	}
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	if f.StoppedEarly > 0 {
		parts[len(parts)-1] += fmt.Sprintf(" (%d stopped early: the tier above was silent)", f.StoppedEarly)
	}
	add(f.NoView, "seen by nobody")
	add(f.Refused, "refused")
	add(f.Waiting, "without a verdict")
	samples := "samples"
	if f.Samples == 1 {
		samples = "sample"
	}
	return fmt.Sprintf("%d %s in flight: %s", f.Samples, samples, strings.Join(parts, ", "))
}

// duration writes a time for people.
func duration(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// roleName is a role of an event for people: "aggregator" of "aggregator/site/0".
func roleName(role string) string {
	kind, _, _ := strings.Cut(role, "/")
	return kind
}

// namesMost is how many targets are named; more are counted.
const namesMost = 4

// targetsText is the targets, with their roles or without.
func targetsText(i *Injection, roles bool) string {
	if len(i.Targets) > namesMost {
		return fmt.Sprintf("%d nodes", len(i.Targets))
	}
	var names []string
	for _, n := range i.Targets {
		name := n.Name
		if roles && len(n.Roles) > 0 {
			name += " (" + strings.Join(n.Roles, ", ") + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func injectedText(i *Injection) string {
	if len(i.Targets) <= namesMost {
		return fmt.Sprintf("%s: %s", i.Fault, targetsText(i, true))
	}
	var names []string
	for _, n := range i.Targets {
		names = append(names, n.Name)
	}
	return fmt.Sprintf("%s: %d nodes, %s", i.Fault, len(names), strings.Join(names, ", "))
}

func overText(i *Injection) string {
	return fmt.Sprintf("%s of %s is over", i.Fault.Do, targetsText(i, false))
}

func noticedText(by, who, how, role string) string {
	switch how {
	case HowConnection:
		return fmt.Sprintf("%s notices: its connection to %s broke", by, who)
	case HowSilence:
		return fmt.Sprintf("%s notices: no heartbeat of %s as %s; it asks the others", by, who, roleName(role))
	case HowMembership:
		return fmt.Sprintf("%s takes %s out of the members: probes went unanswered", by, who)
	}
	return fmt.Sprintf("%s notices that something is wrong with %s: %s", by, who, how)
}

// WhyText says why a node claims what another had.
func WhyText(how, before string) string {
	switch how {
	case HowConnection:
		return "the connection to " + before + " broke"
	case HowSilence:
		return before + " is silent, and nobody hears it"
	case HowMembership:
		return before + " is no member any more"
	case HowHandOver:
		return before + " handed it over"
	case HowPreferred:
		return "it goes before " + before
	case HowVacant:
		return "nobody has it"
	}
	return how
}

func answeredText(v *controlpb.Verdict) string {
	text := "first verdict after it, by " + v.GetHolder()
	if v.Beat != nil {
		text += fmt.Sprintf(", of beat %d", v.GetBeat())
	}
	if v.GetStoppedEarly() {
		text += ", stopped early"
	}
	return text
}
