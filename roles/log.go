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
// whichever is fewer, in the order of their sequence numbers. It has one owner.
type Log struct {
	lines   lines
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
	thinned Beat // of beats below it some verdict may have been dropped here; not below gone
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

// Len is the number of publications that the log holds.
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
		s.variants[i] = p
	case len(s.variants) == maxVariants && p.Sealed.Compare(s.variants[maxVariants-1].Sealed) > 0:
		return false, nil // whoever hears of them all keeps the same ones
	default:
		if len(s.variants) == maxVariants {
			run.sum(id, s.variants[maxVariants-1].Sealed.Hash, 0)
			s.variants = s.variants[:maxVariants-1]
		}
		s.variants = append(s.variants, p)
		run.sum(id, p.Sealed.Hash, ones(len(s.variants)))
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
	l.lines.insert(line{p, now})
	l.trim(now)
	return true, loser
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
		old := l.lines.first().Published
		l.lines.dropFirst()
		l.drop(old)
	}
}

func (l *Log) drop(p *Published) {
	id := p.Sealed.Sample
	s := l.slots[id]
	if s == nil {
		return
	}
	i := slices.Index(s.variants, p)
	if i < 0 {
		return // a later publication of the same verdict is here
	}
	run := l.runs[id.Run]
	if run != nil {
		run.sum(id, p.Sealed.Hash, -ones(len(s.variants)))
		run.thinned = max(run.thinned, id.Beat+1)
	}
	if len(s.variants) == 1 {
		if run != nil {
			run.held = run.held.minus(s.tally())
			run.await(id, -s.awaiting())
			run.dropped.count(p.Sealed.Outcome)
			run.gone = max(run.gone, id.Beat+1)
		}
		if id.OnDemand() {
			l.asked.add(id, 0)
		}
		delete(l.slots, id)
		return
	}
	before := s.tally()
	s.variants = slices.Delete(s.variants, i, i+1)
	if run != nil {
		run.dropped.Superseded++
		run.held = run.held.minus(before).plus(s.tally())
	}
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
func (l *Log) marked(now Instant) []*Published {
	var out []*Published
	for _, p := range l.lost {
		s := l.slots[p.Sealed.Sample]
		if s == nil || !slices.Contains(s.variants, p) || s.variants[0] == p || p.SupersededBy != (Hash{}) {
			continue
		}
		of := *p
		of.SupersededBy = s.variants[0].Sealed.Hash
		if news, _ := l.Append(now, &of); news {
			out = append(out, &of)
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
