package benchfailover

import (
	"slices"
	"time"
)

// marks are the moments of a trial, on this process's clock.
type marks struct {
	struck time.Time // the fault begins
	ends   time.Time // it was taken back; zero: it stays
	closed time.Time // until when gaps count
}

// from is when roles are to settle from.
func (m *marks) from() time.Time {
	if m.ends.IsZero() {
		return m.struck
	}
	return m.ends
}

// beatClock says when beats fell, as an observer may know it: what came with the least
// delay before the fault tells.
type beatClock struct {
	zero   time.Time
	period time.Duration
}

// clockOf is the clock by the arrivals before a moment; ok is false where there are none.
func clockOf(of []arrival, period time.Duration, before time.Time) (c beatClock, ok bool) {
	c.period = period
	for _, a := range of {
		if a.at.After(before) {
			continue
		}
		zero := a.at.Add(-a.since - time.Duration(a.beat)*period)
		if !ok || zero.Before(c.zero) {
			c.zero, ok = zero, true
		}
	}
	return c, ok
}

// at is when a beat fell.
func (c beatClock) at(beat uint64) time.Time { return c.zero.Add(time.Duration(beat) * c.period) }

// flow is what an observer's verdicts say of a trial.
type flow struct {
	gap      time.Duration // the longest time without a verdict from the fault on
	gapAfter time.Duration // when it began, from the fault on; negative: before it
	next     *time.Duration
	inFlight int
	early    int // of those in flight: stopped early
	final    time.Duration
}

// flowOf measures one observer's arrivals, which are in the order of their time.
func flowOf(of []arrival, period time.Duration, m *marks) flow {
	var f flow
	clock, known := clockOf(of, period, m.struck)
	last := m.struck
	for _, a := range of {
		if !a.at.After(m.struck) {
			last = a.at
			continue
		}
		late := known && !clock.at(a.beat).After(m.struck)
		if late {
			f.inFlight++
			if a.early {
				f.early++
			}
		} else if known && f.next == nil {
			after := a.at.Sub(m.struck)
			f.next = &after
		}
		if known && !m.ends.IsZero() && !clock.at(a.beat).After(m.ends) {
			f.final = max(f.final, a.at.Sub(m.ends))
		}
		if last.Before(m.closed) {
			f.widen(last, minTime(a.at, m.closed), m)
		}
		last = a.at
	}
	if last.Before(m.closed) {
		f.widen(last, m.closed, m)
	}
	return f
}

func (f *flow) widen(from, to time.Time, m *marks) {
	if gap := to.Sub(from); gap > f.gap {
		f.gap, f.gapAfter = gap, from.Sub(m.struck)
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// The kinds of the events in which nodes tell what is measured.
const (
	noticedEvent = "noticed" // something is amiss with a member
	downEvent    = "down"    // membership has given it up
	claimedEvent = "claimed" // the node claims a role
	electedEvent = "elected" // a role has another holder, or none
)

// news is what nodes' events say of a trial.
type news struct {
	noticed *time.Duration // the first who says that a victim is amiss
	how     string         // kind of the event in which it was noticed
	claimed *time.Duration // the first who claims a role
	moved   *time.Duration // the first who names another holder
	settled time.Duration  // the last role that moved
	moves   int            // of roles to another holder
}

// newsOf reads the events of a trial; victims are identities.
func newsOf(events []happening, victims []string, m *marks) news {
	var n news
	moved := map[[2]string]bool{}
	first := func(at *time.Duration, e happening) *time.Duration {
		after := e.at.Sub(m.struck)
		if at != nil && *at <= after {
			return at
		}
		return &after
	}
	for _, e := range events {
		if e.at.Before(m.struck) || e.at.After(m.closed) {
			continue
		}
		switch e.kind {
		case noticedEvent, downEvent:
			if noticed := first(n.noticed, e); slices.Contains(victims, e.attributes["peer"]) && noticed != n.noticed {
				n.noticed, n.how = noticed, e.kind
			}
			continue
		case claimedEvent:
			n.claimed = first(n.claimed, e)
			continue
		case electedEvent:
		default:
			continue
		}
		if from := m.from(); e.at.After(from) {
			n.settled = max(n.settled, e.at.Sub(from))
		}
		if e.attributes["name"] == "" {
			continue // for a moment nobody has it
		}
		n.moved = first(n.moved, e)
		if key := [2]string{e.attributes["role"], e.attributes["name"]}; !moved[key] {
			moved[key] = true
			n.moves++
		}
	}
	return n
}
