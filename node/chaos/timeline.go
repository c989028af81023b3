package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// What an entry of a timeline says.
type What string

// The entries.
const (
	Injected What = "fault"   // it begins
	Noticed  What = "noticed" // a node noticed that something is wrong with a target
	Claimed  What = "claimed" // a node claims a role that a target had
	Moved    What = "moved"   // a role of a target is another's
	Answered What = "verdict" // the first that did not come from a target
	Over     What = "over"    // the fault is
	Healed   What = "healed"  // it was ended on purpose
	Back     What = "back"    // a target is in the mesh again
)

// How a node notices that something is wrong with another, and why it claims what that had.
const (
	HowConnection = "connection" // it broke
	HowSilence    = "silence"    // no heartbeat for too long
	HowMembership = "membership" // probes went unanswered, its own and others'
	HowHandOver   = "hand-over"  // the other leaves
	HowPreferred  = "preferred"  // the claimant is before the other in the order of the role
	HowVacant     = "vacant"     // nobody has it
)

// Node is a node of a timeline.
type Node struct {
	Name  string   `json:"name"`
	Peer  string   `json:"peer"`
	Roles []string `json:"roles"` // that it had when the fault struck
	Views []string `json:"views"`
}

// Injection is a fault and whom it struck.
type Injection struct {
	At      time.Time
	Fault   Fault
	Targets []Node
}

// has reports whether the peer is a target.
func (i *Injection) has(peer string) bool {
	return peer != "" && slices.ContainsFunc(i.Targets, func(n Node) bool { return n.Peer == peer })
}

// Entry is one thing in a timeline.
type Entry struct {
	Number int           // of the injection, from 1
	Since  time.Duration // from its beginning
	What   What
	Node   string // the target that it is about; empty: all
	By     string // who noticed, claims, has the role now, or decided
	How    string // of Noticed and Claimed
	Role   string // of Claimed and Moved
	Sample string // of Answered
	Text   string // the whole of it in a sentence
}

// Timeline makes the story of faults. The zero Timeline is not ready: use [NewTimeline]. It
// has one owner.
type Timeline struct {
	struck   []*struck
	verdicts stream
}

// struck is an injection and what came of it.
type struck struct {
	Injection
	number int
	over   bool
	overAt time.Time
	ended  map[string]bool // targets at which it was over before its time, by peer
	gone   map[string]bool // targets that somebody noticed, by peer
	said   map[string]bool // entries that were made
	before time.Time       // when the last verdict came; zero: none has
	report Report
	flight flight
}

// NewTimeline is a timeline without a fault.
func NewTimeline() *Timeline { return &Timeline{} }

// Run tells of the run that verdicts come from, and its period. From there on verdicts of
// other runs are passed over; before, the run is that of the last verdict.
func (t *Timeline) Run(run string, period time.Duration) {
	if run != t.verdicts.run {
		for _, s := range t.recent() {
			s.flight.end(&t.verdicts)
		}
	}
	t.verdicts.begin(run, period)
}

// recent is the last injections: verdicts that come long after one say nothing of it.
func (t *Timeline) recent() []*struck {
	const most = 8
	return t.struck[max(0, len(t.struck)-most):]
}

// Inject notes a fault. What comes from here on is put down to the last that was noted.
func (t *Timeline) Inject(i Injection) []Entry {
	i.Targets = slices.Clone(i.Targets)
	for k := range i.Targets {
		n := &i.Targets[k]
		n.Roles, n.Views = orEmpty(n.Roles), orEmpty(n.Views) // no null for programs
	}
	s := &struck{
		Injection: i, number: len(t.struck) + 1, ended: map[string]bool{}, gone: map[string]bool{}, said: map[string]bool{},
		flight: flight{by: map[string]int{}},
	}
	s.report = Report{Number: s.number, Injection: i}
	s.flight.low, s.flight.known = t.verdicts.low()
	s.report.UsualGap, s.before = t.verdicts.usual(), t.verdicts.last
	t.struck = append(t.struck, s)
	what := Injected
	if i.Fault.Do == Heal {
		what = Healed
	}
	entries := []Entry{s.entry(i.At, Entry{What: what, Text: injectedText(&i)})}
	for _, before := range t.struck[:s.number-1] { // the same again replaces the first
		for _, n := range i.Targets {
			if i.Fault.Lasts() && before.Fault.Do == i.Fault.Do {
				entries = append(entries, before.end(n.Peer, i.At, fmt.Sprintf("fault %d has replaced it", s.number))...)
			}
		}
	}
	return entries
}

// Over notes that a fault is over by its own time.
func (t *Timeline) Over(number int, at time.Time) []Entry {
	if number < 1 || number > len(t.struck) || t.struck[number-1].over {
		return nil
	}
	s := t.struck[number-1]
	left := s.Injection
	left.Targets = slices.DeleteFunc(slices.Clone(left.Targets), func(n Node) bool { return s.ended[n.Peer] })
	return []Entry{s.isOver(at, overText(&left))}
}

// Healed notes that somebody, here or elsewhere, healed a node: what was in force there is over.
func (t *Timeline) Healed(peer string, at time.Time) (entries []Entry) {
	for _, s := range t.struck {
		entries = append(entries, s.end(peer, at, "it was healed")...)
	}
	return entries
}

// end notes that a fault is over at one target before its time. It is told once it is over at all.
func (s *struck) end(peer string, at time.Time, why string) []Entry {
	if s.over || !s.Fault.Lasts() || !s.has(peer) || at.Before(s.At) {
		return nil
	}
	s.ended[peer] = true
	if len(s.ended) < len(s.Targets) {
		return nil
	}
	return []Entry{s.isOver(at, overText(&s.Injection)+": "+why)}
}

func (s *struck) isOver(at time.Time, text string) Entry {
	s.over, s.overAt = true, at
	return s.entry(at, Entry{What: Over, Text: text})
}

// Event takes an event of a node, which is called by, as the control API tells it.
func (t *Timeline) Event(at time.Time, by string, e *controlpb.EventsResponse) []Entry {
	attributes := e.GetAttributes()
	peer := attributes["peer"]
	switch e.GetKind() {
	case "noticed":
		return t.noticed(at, by, peer, attributes["how"], attributes["role"])
	case "down":
		return t.noticed(at, by, peer, HowMembership, "")
	case "claimed":
		return t.claimed(at, attributes)
	case "elected":
		return t.moved(at, attributes)
	case "joined":
		return t.back(at, peer)
	}
	return nil
}

// lingers is for how long after a fault what happens to its targets is put down to it.
const lingers = 5 * time.Second

// struckBy is the last injection that struck one of the peers, is not from after a time, and
// was not over long before it.
func (t *Timeline) struckBy(at time.Time, peers ...string) *struck {
	for _, s := range slices.Backward(t.struck) {
		late := s.over && at.After(s.overAt.Add(lingers))
		if s.Fault.Do != Heal && slices.ContainsFunc(peers, s.has) && !at.Before(s.At) && !late {
			return s
		}
	}
	return nil
}

// noticed tells the first node that noticed a target, for each way of noticing.
func (t *Timeline) noticed(at time.Time, by, peer, how, role string) []Entry {
	s := t.struckBy(at, peer)
	if s == nil || !s.once("noticed", peer, how) {
		return nil
	}
	s.gone[peer] = s.gone[peer] || how == HowMembership
	who := s.name(peer)
	e := s.entry(at, Entry{What: Noticed, Node: who, By: by, How: how, Role: role, Text: noticedText(by, who, how, role)})
	s.report.Noticed = append(s.report.Noticed, e)
	return []Entry{e}
}

// claimed tells of a node that claims what a target had.
func (t *Timeline) claimed(at time.Time, of map[string]string) []Entry {
	s := t.struckBy(at, of["before"])
	if s == nil || !s.once("claimed", of["role"], of["peer"]) {
		return nil
	}
	e := s.entry(at, Entry{
		What: Claimed, Node: s.name(of["before"]), By: of["name"], How: of["why"], Role: of["role"],
		Text: of["name"] + " claims to be " + roleName(of["role"]) + ": " + WhyText(of["why"], s.name(of["before"])),
	})
	s.report.Claimed = append(s.report.Claimed, e)
	return []Entry{e}
}

// moved tells of who has a role that a target had, or of a target that has one.
func (t *Timeline) moved(at time.Time, of map[string]string) []Entry {
	s := t.struckBy(at, of["before"], of["peer"])
	if s == nil || of["before"] == "" || of["peer"] == "" || !s.once("moved", of["role"], of["peer"]) {
		return nil
	}
	e := s.entry(at, Entry{
		What: Moved, Node: s.name(of["before"]), By: of["name"], Role: of["role"],
		Text: of["name"] + " is " + roleName(of["role"]) + " now",
	})
	if s.has(of["before"]) {
		e.Text = of["name"] + " is " + roleName(of["role"]) + " instead of " + e.Node
	}
	s.report.Moved = append(s.report.Moved, e)
	return []Entry{e}
}

// back tells of a target that is in the mesh again after it was missed.
func (t *Timeline) back(at time.Time, peer string) []Entry {
	s := t.struckBy(at, peer)
	if s == nil || !s.gone[peer] || !s.once("back", peer) {
		return nil
	}
	return []Entry{s.entry(at, Entry{What: Back, Node: s.name(peer), Text: s.name(peer) + " is in the mesh again"})}
}

// Verdict takes a verdict. One that is known already changes nothing.
func (t *Timeline) Verdict(at time.Time, v *controlpb.Verdict) []Entry {
	if v.GetSupersededBy() != "" {
		return nil // its survivor counts
	}
	if run := control.RunOf(v); run != "" && run != t.verdicts.run {
		if t.verdicts.period > 0 {
			return nil // a late one of a run before, or of one that is about to be told of
		}
		t.Run(run, 0)
	}
	one, ok := t.verdicts.add(at, v)
	if !ok {
		return nil
	}
	for _, s := range t.recent() {
		s.flight.take(s.At, &one, v)
	}
	if len(t.struck) == 0 {
		return nil
	}
	last := t.struck[len(t.struck)-1]
	if !at.After(last.At) {
		return nil
	}
	last.gap(at)
	return last.first(at, &one, v)
}

// Logged takes a verdict that was read from a log, later than it came: it counts for what was
// in flight alone.
func (t *Timeline) Logged(v *controlpb.Verdict) {
	if run := control.RunOf(v); v.GetSupersededBy() != "" || run == "" || run != t.verdicts.run {
		return
	}
	if one, ok := t.verdicts.logged(v); ok {
		for _, s := range t.recent() {
			s.flight.take(s.At, &one, v)
		}
	}
}

// Waiting is the first beat of the run that is waited for because its sample was in flight at
// the last injections; ok is false where none is.
func (t *Timeline) Waiting() (run string, from uint64, ok bool) {
	for _, s := range t.recent() {
		if s.flight.outcome(&t.verdicts).Waiting > 0 && !s.flight.ended && (!ok || s.flight.low < from) {
			run, from, ok = t.verdicts.run, s.flight.low, true
		}
	}
	return run, from, ok
}

// first tells the first verdict that shows that the mesh answers in spite of the fault: it is
// from after it and, where what the targets say does not come out, from another node.
func (s *struck) first(at time.Time, one *arrival, v *controlpb.Verdict) []Entry {
	if !one.released.After(s.At) || s.Fault.Mutes() && s.has(v.GetEpoch().GetPeer()) || !s.once("verdict") {
		return nil
	}
	e := s.entry(at, Entry{What: Answered, By: v.GetHolder(), Sample: v.GetSample(), Text: answeredText(v)})
	s.report.First = &e
	return []Entry{e}
}

// gap notes the time since the verdict before.
func (s *struck) gap(at time.Time) {
	if !s.before.IsZero() {
		s.report.LargestGap = max(s.report.LargestGap, at.Sub(s.before))
	}
	if s.before.Before(at) {
		s.before = at
	}
}

// Report sums up one injection by its number, as of now.
func (t *Timeline) Report(number int, now time.Time) Report {
	if number < 1 || number > len(t.struck) {
		return Report{}
	}
	s := t.struck[number-1]
	r := s.report
	r.Noticed, r.Claimed, r.Moved = slices.Clone(r.Noticed), slices.Clone(r.Claimed), slices.Clone(r.Moved)
	r.InFlight = s.flight.outcome(&t.verdicts)
	r.Silent = s.before.IsZero()
	if open := now.Sub(s.before); !r.Silent && number == len(t.struck) && open > r.LargestGap {
		r.LargestGap, r.Open = open, true // nothing has come since
	}
	return r
}

// Calm reports whether there is nothing to wait for after the last injection: it is over, or a
// kill whose targets were missed and replaced; an answer came; nothing is in flight.
func (t *Timeline) Calm() bool {
	if len(t.struck) == 0 {
		return true
	}
	s := t.struck[len(t.struck)-1]
	flying := s.flight.outcome(&t.verdicts)
	switch {
	case s.Fault.Do == Heal:
		return true
	case s.Fault.Do == Kill && (len(s.gone) < len(s.Targets) || !s.replaced()), s.Fault.Lasts() && !s.over:
		return false
	}
	return flying.Waiting == 0 && (s.report.First != nil || t.verdicts.last.IsZero())
}

// replaced reports whether every role that the targets had is another's.
func (s *struck) replaced() bool {
	for _, n := range s.Targets {
		for _, role := range n.Roles {
			moved := slices.ContainsFunc(s.report.Moved, func(e Entry) bool { return e.Node == n.Name && roleName(e.Role) == role })
			if !moved && (role == "aggregator" || role == "cloud") {
				return false
			}
		}
	}
	return true
}

// Harmless reports whether nothing but healing was injected.
func (t *Timeline) Harmless() bool {
	return !slices.ContainsFunc(t.struck, func(s *struck) bool { return s.Fault.Do != Heal })
}

// Verdicts is how many verdicts have come.
func (t *Timeline) Verdicts() int { return t.verdicts.count }

// Len is how many injections there are.
func (t *Timeline) Len() int { return len(t.struck) }

// once tells whether a thing is said for the first time.
func (s *struck) once(what ...string) bool {
	key := strings.Join(what, "\x00")
	if s.said[key] {
		return false
	}
	s.said[key] = true
	return true
}

// name is what people call a target.
func (s *struck) name(peer string) string {
	for _, n := range s.Targets {
		if n.Peer == peer {
			return n.Name
		}
	}
	return peer
}

// entry completes an entry.
func (s *struck) entry(at time.Time, e Entry) Entry {
	e.Number, e.Since = s.number, at.Sub(s.At)
	return e
}
