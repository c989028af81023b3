package roles

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// The bounds of a site's verdict log.
const (
	LogVerdicts = 100_000
	LogAge      = 10 * time.Minute
	maxRuns     = 256 // of which a log keeps counts; beyond it those of the run that was quiet longest go
	maxVariants = 4   // verdicts of one sample that it keeps
)

// Log is the verdicts of one site that a node knows: the last LogVerdicts or LogAge,
// whichever is fewer, in the order of their sequence numbers. A sample goes with all its verdicts,
// when the first of these is to go, and one that lost keeps the number under which it was heard of
// first: so full logs that heard of the same keep the same and count the same. It has one owner.
type Log struct {
	lines   lines // one for each verdict
	slots   map[SampleID]*slot
	runs    map[RunID]*runLog
	known   int          // slots without a verdict
	orphans bool         // there may be slots of runs that were forgotten
	asked   *ring        // the last requests that were dropped: of them no beat tells
	lost    []*Published // that have lost since marked was called; some are marked
}

// slot is what is known of one sample.
type slot struct {
	variants []*Published // the survivor first; each another verdict; none: known, not decided
	since    Instant      // when it became known
	awaits   Hash         // a survivor that was named and is not here; zero: none
}

// runLog is what is known of one run; of requests under run 0.
type runLog struct {
	touched Instant
	floor   Beat // every beat below it is final
	next    Beat // every beat below it is here, was here, or is gone everywhere
	gone    Beat // beats below it may have been dropped here
	end     Beat // no beat from it on is known
	dropped Tally
	held    Tally                // of the slots with a verdict
	open    map[SampleID]*slot   // without one
	blocks  map[uint64]*blockSum // by the first place; a block without verdicts is not there
}

func newRunLog() *runLog {
	return &runLog{open: map[SampleID]*slot{}, blocks: map[uint64]*blockSum{}}
}

// NewLog is an empty log.
func NewLog() *Log {
	return &Log{slots: map[SampleID]*slot{}, runs: map[RunID]*runLog{}, asked: newRing(LogVerdicts)}
}

// Len is the number of verdicts that the log holds.
func (l *Log) Len() int { return l.lines.n }

// Append adds a publication. It returns true where that was news: not known, and not
// older than what the log keeps. loser is a publication that is now superseded and was
// not before; a coordinator publishes it again, with SupersededBy.
func (l *Log) Append(now Instant, p *Published) (news bool, loser *Published) {
	id := p.Sealed.Sample
	s := l.slots[id]
	if s == nil && l.past(id) || l.tooOld(p.Seq) {
		return false, nil
	}
	run := l.run(now, id.Run)
	if s == nil {
		s = &slot{since: now}
		l.slots[id] = s
	} else if len(s.variants) == 0 {
		l.known--
		delete(run.open, id)
	}
	before, awaited := s.tally(), s.awaiting()
	i := slices.IndexFunc(s.variants, func(v *Published) bool { return v.Sealed.Hash == p.Sealed.Hash })
	switch {
	case i >= 0 && (p.SupersededBy == Hash{} || s.variants[i].SupersededBy != Hash{}):
		return false, nil
	case i >= 0:
		p = l.mark(s, i, p.SupersededBy)
	case len(s.variants) == maxVariants && p.Sealed.Compare(s.variants[maxVariants-1].Sealed) > 0:
		return false, nil // whoever hears of them all keeps the same ones
	default:
		if len(s.variants) == maxVariants {
			run.sum(id, s.variants[maxVariants-1].Sealed.Hash, 0)
			l.lines.remove(s.variants[maxVariants-1])
			s.variants = s.variants[:maxVariants-1]
		}
		s.variants = append(s.variants, p)
		run.sum(id, p.Sealed.Hash, ones(len(s.variants)))
		l.lines.insert(line{p, now})
	}
	if loser = s.settle(p); loser != nil {
		l.lost = append(l.lost, loser)
	}
	run.held = run.held.minus(before).plus(s.tally())
	run.await(id, s.awaiting()-awaited)
	if s.awaits != (Hash{}) {
		run.next = min(run.next, id.Beat) // a gap again, until the survivor is here
	}
	run.end = max(run.end, id.Beat+1)
	l.trim(now)
	return true, loser
}

// mark has a verdict of a sample say which one stands instead. It keeps its number and its line:
// it may be told so under another number, or find out by itself.
func (l *Log) mark(s *slot, i int, by Hash) *Published {
	of := *s.variants[i]
	of.SupersededBy = by
	l.lines.replace(s.variants[i], &of)
	s.variants[i] = &of
	return &of
}

// tooOld reports whether a publication would be the first that is dropped, at once.
func (l *Log) tooOld(seq Seq) bool {
	return l.lines.n >= LogVerdicts && seq.Compare(l.lines.first().Seq) < 0
}

// settle puts the survivor first and returns who has just lost to it.
func (s *slot) settle(latest *Published) (loser *Published) {
	before := s.variants[0]
	slices.SortFunc(s.variants, func(a, b *Published) int { return a.Sealed.Compare(b.Sealed) })
	survivor := s.variants[0]
	if h := latest.SupersededBy; h != (Hash{}) {
		s.awaits = h
	}
	if slices.ContainsFunc(s.variants, func(v *Published) bool { return v.Sealed.Hash == s.awaits }) {
		s.awaits = Hash{}
	}
	switch {
	case len(s.variants) == 1:
		return nil
	case survivor == latest && before.SupersededBy == Hash{}:
		return before
	case survivor != latest && latest.SupersededBy == Hash{}:
		return latest
	}
	return nil
}

// awaiting is 1 where a survivor was named and is not here.
func (s *slot) awaiting() int {
	if s.awaits != (Hash{}) {
		return 1
	}
	return 0
}

// trim drops what is beyond the bounds. What was counted stays counted.
func (l *Log) trim(now Instant) {
	for l.lines.n > LogVerdicts || l.lines.n > 0 && now.Sub(l.lines.first().at) > LogAge {
		l.drop(l.lines.first().Sealed.Sample)
	}
}

// drop drops a sample with all its verdicts: of what is left of one nobody could tell which
// stands.
func (l *Log) drop(id SampleID) {
	s, run := l.slots[id], l.runs[id.Run]
	for n := len(s.variants); n > 0; n-- {
		p := s.variants[n-1]
		l.lines.remove(p)
		if run != nil {
			run.sum(id, p.Sealed.Hash, -ones(n))
		}
	}
	if run != nil {
		run.held = run.held.minus(s.tally())
		run.dropped = run.dropped.plus(s.tally())
		run.await(id, -s.awaiting())
		run.gone = max(run.gone, id.Beat+1)
	}
	if id.OnDemand() {
		l.asked.add(id, 0)
	}
	delete(l.slots, id)
}

// run is the bookkeeping of a run; the one that was quiet longest makes room.
func (l *Log) run(now Instant, id RunID) *runLog {
	r := l.runs[id]
	if r == nil {
		if len(l.runs) >= maxRuns {
			l.forget()
		}
		r = newRunLog()
		l.runs[id] = r
		if l.orphans {
			l.adopt(id, r)
		}
	}
	r.touched = now
	return r
}

// forget drops a run: of those without verdicts, if there are any, the one that was quiet
// longest.
func (l *Log) forget() {
	oldest := slices.MinFunc(slices.Collect(maps.Keys(l.runs)), func(a, b RunID) int {
		x, y := l.runs[a], l.runs[b]
		return cmp.Or(cmp.Compare(min(1, len(x.blocks)), min(1, len(y.blocks))), cmp.Compare(x.touched, y.touched), cmp.Compare(a, b))
	})
	r := l.runs[oldest]
	l.orphans = l.orphans || r.held.Due > 0 || len(r.open) > 0
	delete(l.runs, oldest)
}

// Survivor is the verdict of a sample that stands; nil where the log has none.
func (l *Log) Survivor(id SampleID) *Published {
	if s := l.slots[id]; s != nil && len(s.variants) > 0 {
		return s.variants[0]
	}
	return nil
}

// marked marks the verdicts that have lost since it was called last and nobody has marked: who
// has both of two verdicts knows which one stands, and needs nobody to say so. It returns what
// is new by it, under the number of the publication that lost.
func (l *Log) marked() []*Published {
	var out []*Published
	for _, p := range l.lost {
		s := l.slots[p.Sealed.Sample]
		if s == nil || p.SupersededBy != (Hash{}) {
			continue
		}
		if i := slices.Index(s.variants, p); i > 0 {
			out = append(out, l.mark(s, i, s.variants[0].Sealed.Hash))
		}
	}
	clear(l.lost)
	l.lost = l.lost[:0]
	return out
}

// Had reports whether the log has the verdict of a sample, or had it and may have dropped it.
func (l *Log) Had(id SampleID) bool { return l.Survivor(id) != nil || l.past(id) }

// past reports whether a sample that is not here may have been dropped.
func (l *Log) past(id SampleID) bool {
	if id.OnDemand() {
		_, had := l.asked.at(id)
		return had
	}
	run := l.runs[id.Run]
	return run != nil && id.Beat < run.gone
}

// Know notes that a sample is due and not decided. It returns false where the log holds
// LogVerdicts of those already.
func (l *Log) Know(now Instant, id SampleID) bool {
	if l.slots[id] != nil || l.past(id) {
		return true
	}
	if l.known >= LogVerdicts {
		return false
	}
	run := l.run(now, id.Run)
	run.end = max(run.end, id.Beat+1)
	l.known++
	s := &slot{since: now}
	l.slots[id], run.open[id] = s, s
	return true
}

// unknow takes back that a sample is due, unless it is decided.
func (l *Log) unknow(id SampleID) {
	if s := l.slots[id]; s != nil && len(s.variants) == 0 {
		delete(l.slots, id)
		l.known--
		if r := l.runs[id.Run]; r != nil {
			delete(r.open, id)
		}
	}
}

// Floor notes the oldest beat of a run that is not final. To be told what is known does not
// make a run less quiet.
func (l *Log) Floor(now Instant, id RunID, floor Beat) {
	if r := l.runs[id]; r == nil || floor > r.floor {
		l.run(now, id).floor = floor
	}
}

// FloorOf is the oldest beat of a run that is not known to be final.
func (l *Log) FloorOf(id RunID) Beat {
	if r := l.runs[id]; r != nil {
		return r.floor
	}
	return 0
}
