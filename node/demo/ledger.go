package demo

import (
	"iter"
	"math"
	"slices"
	"time"

	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
)

// kept is how many samples a ledger remembers; of an endless run the figures are of the
// last so many.
const kept = 100_000

// shown is how many differences a ledger remembers by name.
const shown = 20

// entry is one decided sample.
type entry struct {
	hash    string
	exit    string
	label   string
	class   string
	latency time.Duration
	seen    int // views
	gone    bool
}

// Ledger is the surviving verdicts of a run, each sample once, and what the judge found of
// each. It is not safe for concurrent use.
type Ledger struct {
	judge       *Judge
	entries     map[uint64]*entry // by beat
	order       []uint64          // beats as they came
	differ      map[uint64]Difference
	differences []Difference // the first of those of samples that were forgotten
	differing   uint64       // of those that were forgotten
	wrong       uint64       // of those
	gone        int          // entries whose survivor has not come
}

// NewLedger is an empty ledger.
func NewLedger(j *Judge) *Ledger {
	return &Ledger{judge: j, entries: map[uint64]*entry{}, differ: map[uint64]Difference{}}
}

// Add takes a verdict. One that was superseded gives way to its survivor; one that is known
// changes nothing.
func (l *Ledger) Add(v *controlpb.Verdict) {
	if v.Beat == nil {
		return // on demand: of no run
	}
	beat := v.GetBeat()
	old := l.entries[beat]
	if v.GetSupersededBy() != "" {
		if old != nil && !old.gone && old.hash == v.GetHash() {
			old.gone = true // its survivor is told too
			l.gone++
			delete(l.differ, beat)
		}
		return
	}
	if old != nil && !old.gone && old.hash == v.GetHash() {
		return
	}
	if old != nil && old.gone {
		l.gone--
	}
	if old == nil {
		l.order = append(l.order, beat)
	}
	l.entries[beat] = &entry{
		hash: v.GetHash(), exit: v.GetExit(), label: v.GetLabel(), class: v.GetClass(),
		latency: time.Duration(v.GetLatencyNs()), seen: len(v.GetSeen()),
	}
	delete(l.differ, beat)
	if f := l.judge.Check(v); f != (Finding{}) {
		l.differ[beat] = Difference{Sample: v.GetSample(), Ref: l.judge.RefAt(beat), What: f.What(), Wrong: f.Wrong != ""}
	}
	l.forget()
}

// forget drops the oldest samples of a long run.
func (l *Ledger) forget() {
	for len(l.order) > kept {
		beat := l.order[0]
		l.order = l.order[1:]
		if l.entries[beat].gone {
			l.gone--
		}
		delete(l.entries, beat)
		if d, ok := l.differ[beat]; ok {
			delete(l.differ, beat)
			l.differing++
			if d.Wrong {
				l.wrong++
			}
			if len(l.differences) < shown {
				l.differences = append(l.differences, d)
			}
		}
	}
}

// Len is how many samples have a verdict that survives.
func (l *Ledger) Len() int { return len(l.entries) - l.gone }

// standing is the entries that survive, in the order in which they came.
func (l *Ledger) standing() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for _, beat := range l.order {
			if e := l.entries[beat]; !e.gone && !yield(e) {
				return
			}
		}
	}
}

// Differing is how many samples have a verdict that is not what one process would have
// answered with all their views, how many of them are not even what it makes of the views
// that they rest on, and the first of them.
func (l *Ledger) Differing() (n, wrong uint64, first []Difference) {
	first, wrong = slices.Clone(l.differences), l.wrong
	for _, beat := range l.order {
		d, ok := l.differ[beat]
		if !ok {
			continue
		}
		if d.Wrong {
			wrong++
		}
		if len(first) < shown {
			first = append(first, d)
		}
	}
	return l.differing + uint64(len(l.differ)), wrong, first
}

// Share is right answers out of labelled ones.
type Share struct {
	Right, Of int
}

// ByExit is what became of the samples of one exit.
type ByExit struct {
	Exit    string
	Samples int
	Correct Share           // of those with a label
	Latency []time.Duration // ascending
}

// Exits sums up the samples by exit, in the order in which they are met, those that nobody
// saw and those that were refused last. Exits of the topology are there without a sample too.
func (l *Ledger) Exits(t *topology.Topology) []ByExit {
	var out []ByExit
	for _, e := range t.Exits() {
		out = append(out, ByExit{Exit: e.String()})
	}
	out = append(out, ByExit{Exit: topology.ExitNone.String()})
	for e := range l.standing() {
		i := slices.IndexFunc(out, func(b ByExit) bool { return b.Exit == e.exit })
		if i < 0 {
			i, out = len(out), append(out, ByExit{Exit: e.exit})
		}
		b := &out[i]
		b.Samples++
		b.Latency = append(b.Latency, e.latency)
		if e.label != "" && e.class != "" {
			b.Correct.Of++
			if e.class == e.label {
				b.Correct.Right++
			}
		}
	}
	for i := range out {
		slices.Sort(out[i].Latency)
	}
	return out
}

// Correct is the right answers of all samples with a label and a view.
func (l *Ledger) Correct() Share {
	var s Share
	for e := range l.standing() {
		if e.label != "" && e.class != "" {
			s.Of++
			if e.class == e.label {
				s.Right++
			}
		}
	}
	return s
}

// LocalViews is the share of seen views whose samples were answered locally: the l of
// section III-E of the paper where samples differ in how many views see them. NaN where
// nothing was seen.
func (l *Ledger) LocalViews() float64 {
	var seen, early int
	for e := range l.standing() {
		seen += e.seen
		if e.exit == topology.ExitLocal.String() {
			early += e.seen
		}
	}
	if seen == 0 {
		return math.NaN()
	}
	return float64(early) / float64(seen)
}

// percentile is the smallest value that at least a share p of the ascending values do not
// exceed (nearest rank); NaN of none, in milliseconds.
func percentile(values []time.Duration, p float64) evaluation.Number {
	if len(values) == 0 {
		return evaluation.Number(math.NaN())
	}
	rank := int(math.Ceil(p * float64(len(values))))
	v := values[min(max(rank, 1), len(values))-1]
	return evaluation.Number(float64(v) / float64(time.Millisecond))
}
