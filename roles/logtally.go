package roles

import "time"

// Tally is what became of the samples of a run. Due is the sum of Decided, Refused, Open
// and Lost.
type Tally struct {
	Due        uint64
	Decided    uint64 // with one surviving verdict, none included
	NoView     uint64 // of those decided
	Refused    uint64
	Open       uint64
	Lost       uint64
	Superseded uint64 // verdicts beside the surviving ones
}

func (t *Tally) count(o Outcome) {
	t.Due++
	if o == AllRefused {
		t.Refused++
		return
	}
	if o == NoView {
		t.NoView++
	}
	t.Decided++
}

func (t Tally) plus(u Tally) Tally {
	return Tally{
		t.Due + u.Due, t.Decided + u.Decided, t.NoView + u.NoView, t.Refused + u.Refused,
		t.Open + u.Open, t.Lost + u.Lost, t.Superseded + u.Superseded,
	}
}

func (t Tally) minus(u Tally) Tally {
	return Tally{
		t.Due - u.Due, t.Decided - u.Decided, t.NoView - u.NoView, t.Refused - u.Refused,
		t.Open - u.Open, t.Lost - u.Lost, t.Superseded - u.Superseded,
	}
}

// tally is what a slot with a verdict adds to that of its run; one without adds nothing.
func (s *slot) tally() (t Tally) {
	if len(s.variants) > 0 {
		t.count(s.variants[0].Sealed.Outcome)
		t.Superseded = uint64(len(s.variants) - 1)
	}
	return t
}

// adopt counts the slots of a run that was forgotten and is heard of again, and sums them up.
func (l *Log) adopt(id RunID, r *runLog) {
	for sample, s := range l.slots { // sums do not depend on the order
		switch {
		case sample.Run != id:
		case len(s.variants) == 0:
			r.open[sample] = s
			r.end = max(r.end, sample.Beat+1)
		default:
			r.held = r.held.plus(s.tally())
			r.end = max(r.end, sample.Beat+1)
			for i, v := range s.variants {
				r.sum(sample, v.Sealed.Hash, ones(i+1))
			}
			r.await(sample, s.awaiting())
		}
	}
}

// Tally counts the samples of a run, or of requests for run 0, as of now. A sample that
// is not decided is open for grace, and while no holder answers; then it is lost. What is
// decided was counted when it came: it takes as long as there are samples that are not.
func (l *Log) Tally(now Instant, id RunID, grace time.Duration, holder bool) Tally {
	r := l.runs[id]
	if r == nil && l.orphans {
		r = newRunLog()
		l.adopt(id, r)
	}
	if r == nil {
		return Tally{}
	}
	t := r.dropped.plus(r.held)
	for _, s := range r.open { // sums do not depend on the order
		t.Due++
		if holder && now.Sub(s.since) > grace {
			t.Lost++
		} else {
			t.Open++
		}
	}
	return t
}
