package roles

import (
	"maps"
	"math"
	"slices"
)

// Span is some beats of a run: from From on, without To. For run 0 it is requests, by the
// first 16 bits of their identifiers.
type Span struct {
	Run      RunID
	From, To uint64
}

// place is where a sample stands within its run.
func place(id SampleID) uint64 {
	if id.OnDemand() {
		return uint64(id.Request) >> 48
	}
	return uint64(id.Beat)
}

// GapKind is why a log does not have a beat.
type GapKind uint8

// The kinds of gaps.
const (
	NotFinal GapKind = iota // it may have no verdict yet
	Dropped                 // it was here, or may have been
	Unknown                 // it is final, and this node never heard of it
)

func (k GapKind) String() string {
	return [...]string{"not final", "dropped", "unknown"}[min(k, Unknown)]
}

// Gap is a span that a log does not have.
type Gap struct {
	Span
	Kind GapKind
}

// Gaps is the beats of a run that are final and that this log lacks, most spans at most,
// to ask other nodes for.
func (l *Log) Gaps(site Site, id RunID, most int) []Span {
	r := l.runs[id]
	if r == nil {
		return nil
	}
	r.next = max(r.next, r.gone)
	for r.next < r.floor {
		n := r.whole(uint64(r.next))
		if n == 0 && l.has(SampleID{Site: site, Run: id, Beat: r.next}) {
			n = 1
		}
		if n == 0 {
			break
		}
		r.next += Beat(n)
	}
	var out []Span
	end := uint64(r.floor)
	for b := uint64(r.next); b < end; {
		if n := r.whole(b); n > 0 {
			b += n
			continue
		}
		to := min(end, r.blank(b))
		if to == b && l.has(SampleID{Site: site, Run: id, Beat: Beat(b)}) {
			b++
			continue
		}
		to = max(to, b+1)
		if n := len(out); n > 0 && out[n-1].To == b {
			out[n-1].To = to
		} else if n == most {
			break
		} else {
			out = append(out, Span{Run: id, From: b, To: to})
		}
		b = to
	}
	return out
}

// whole is how many beats from b on, to the end of its block, are all here; 0 says that one of
// its block may not be.
func (r *runLog) whole(b uint64) uint64 {
	if s := r.blocks[blockOf(b)]; s != nil && s.count == blockBeats && s.awaiting == 0 {
		return blockOf(b) + blockBeats - b
	}
	return 0
}

// blank is the end of the blocks from that of b on that have no verdict here; b where its own
// has one.
func (r *runLog) blank(b uint64) uint64 {
	if r.blocks[blockOf(b)] != nil {
		return b
	}
	next := uint64(math.MaxUint64)
	for from := range r.blocks { // the least: the order does not matter
		if from > b {
			next = min(next, from)
		}
	}
	return next
}

// has reports whether the surviving verdict of a sample is here.
func (l *Log) has(id SampleID) bool {
	s := l.slots[id]
	return s != nil && len(s.variants) > 0 && s.awaits == Hash{}
}

// Gone notes that no node has the beats of a run below b any more: they are no gaps.
func (l *Log) Gone(id RunID, b Beat) {
	if r := l.runs[id]; r != nil {
		r.next = max(r.next, b)
	}
}

// Range is the publications of a span of a run, most of them at most, by beat, the
// surviving one of each sample first; and by name the gaps in what was looked through,
// which ends at end.
func (l *Log) Range(site Site, span Span, most int) (lines []*Published, gaps []Gap, end uint64) {
	if span.Run == 0 {
		return l.requests(span, most)
	}
	r := l.runs[span.Run]
	if r == nil {
		r = &runLog{} // nothing is known of it
	}
	end = min(span.To, max(span.From, uint64(max(r.end, r.floor, r.gone))))
	for b := span.From; b < end; {
		var decided []*Published
		to := min(end, r.blank(b))
		if to == b {
			if s := l.slots[SampleID{Site: site, Run: span.Run, Beat: Beat(b)}]; s != nil {
				decided = s.variants
			}
		}
		if len(decided) == 0 {
			to = max(to, b+1)
			gaps = r.addGaps(gaps, Span{span.Run, b, to})
			b = to
			continue
		}
		if len(lines)+len(decided) > most && len(lines) > 0 {
			return lines, gaps, b
		}
		lines = append(lines, decided...)
		b++
	}
	if end < span.To { // beyond all that is known
		gaps = append(gaps, Gap{Span{span.Run, end, span.To}, NotFinal})
		end = span.To
	}
	return lines, gaps, end
}

// gap is why this log lacks a beat, and up to which one it is for the same reason.
func (r *runLog) gap(b uint64) (kind GapKind, to uint64) {
	switch {
	case b < uint64(r.gone):
		return Dropped, uint64(r.gone)
	case b < uint64(r.floor):
		return Unknown, uint64(r.floor)
	}
	return NotFinal, math.MaxUint64
}

// addGaps adds what this log lacks of a span, which is all of it, to gaps that end before it.
func (r *runLog) addGaps(gaps []Gap, span Span) []Gap {
	for span.From < span.To {
		kind, to := r.gap(span.From)
		to = min(to, span.To)
		if n := len(gaps); n > 0 && gaps[n-1].To == span.From && gaps[n-1].Kind == kind {
			gaps[n-1].To = to
		} else {
			gaps = append(gaps, Gap{Span{span.Run, span.From, to}, kind})
		}
		span.From = to
	}
	return gaps
}

// requests is Range for samples on demand, whose gaps nobody can name.
func (l *Log) requests(span Span, most int) (lines []*Published, gaps []Gap, end uint64) {
	for _, id := range l.requestsIn(span) {
		p := place(id)
		s := l.slots[id]
		if len(lines)+len(s.variants) > most && len(lines) > 0 && p > span.From {
			return slices.DeleteFunc(lines, func(q *Published) bool { return place(q.Sealed.Sample) == p }), nil, p
		}
		lines = append(lines, s.variants...)
	}
	return lines, nil, span.To
}

// requestsIn is every decided sample on demand of a span, in its order.
func (l *Log) requestsIn(span Span) []SampleID {
	r := l.runs[0]
	if r == nil {
		return nil
	}
	var ids []SampleID
	for from, b := range r.blocks { // sorted below
		if from >= span.To || from+blockBeats <= span.From {
			continue
		}
		for id := range b.requests {
			if p := place(id); p >= span.From && p < span.To {
				ids = append(ids, id)
			}
		}
	}
	slices.SortFunc(ids, SampleID.Compare)
	return ids
}

// After is the publications whose sequence number is above seq, most of them at most.
func (l *Log) After(seq Seq, most int) []*Published {
	chunk, at := l.lines.search(seq)
	return l.lines.from(chunk, at, most)
}

// Last is the last publications that the log holds, most of them at most, in their order.
func (l *Log) Last(most int) []*Published { return l.lines.last(most) }

// End is the beat of a run from which on nothing is known to this log.
func (l *Log) End(id RunID) Beat {
	if r := l.runs[id]; r != nil {
		return max(r.end, r.floor)
	}
	return 0
}

// blockBeats is the number of beats that one Block sums up.
const blockBeats = 256

// blockOf is the first place of the block of a place.
func blockOf(place uint64) uint64 { return place / blockBeats * blockBeats }

// Block sums up the verdicts of blockBeats neighbouring places of a run, those that have
// lost among them, to compare two logs without sending them. Whether one is marked as lost
// does not count: it follows from the others.
type Block struct {
	From  uint64 // a multiple of blockBeats
	Count int    // samples
	Hash  Hash   // the verdicts' hashes, each bit summed modulo 2
}

// blockSum is a Block that is kept up to date.
type blockSum struct {
	count    int
	awaiting int // samples whose survivor was named and is not here
	hash     Hash
	requests map[SampleID]bool // of run 0 alone, whose places do not name them
}

// ones is by how much the samples of a block change where one of so many verdicts of a
// sample comes or goes.
func ones(variants int) int {
	if variants == 1 {
		return 1
	}
	return 0
}

// await counts a sample whose survivor is not here, or takes it back. Its verdicts are summed up
// already, or their block is gone.
func (r *runLog) await(id SampleID, n int) {
	if b := r.blocks[blockOf(place(id))]; b != nil {
		b.awaiting += n
	}
}

// sum adds a verdict to its block, or takes it out again; samples is by how much their number
// changes.
func (r *runLog) sum(id SampleID, h Hash, samples int) {
	from := blockOf(place(id))
	b := r.blocks[from]
	if b == nil {
		b = &blockSum{}
		r.blocks[from] = b
	}
	for i := range h {
		b.hash[i] ^= h[i]
	}
	b.count += samples
	if id.OnDemand() && samples != 0 {
		if b.requests == nil {
			b.requests = map[SampleID]bool{}
		}
		b.requests[id] = true
		if samples < 0 {
			delete(b.requests, id)
		}
	}
	if b.count <= 0 {
		delete(r.blocks, from)
	}
}

// Blocks sums up a run, by place.
func (l *Log) Blocks(id RunID) []Block {
	r := l.runs[id]
	if r == nil {
		return nil
	}
	var out []Block
	for _, from := range slices.Sorted(maps.Keys(r.blocks)) {
		out = append(out, Block{From: from, Count: r.blocks[from].count, Hash: r.blocks[from].hash})
	}
	return out
}

// Count is the number of samples of a run that the log has of the block of a place.
func (l *Log) Count(id RunID, place uint64) int {
	if r := l.runs[id]; r != nil {
		if b := r.blocks[blockOf(place)]; b != nil {
			return b.count
		}
	}
	return 0
}

// Lacks is the blocks of a run, as another log sums it up, in which that log has something
// that this one may lack, ascending, each a span of its own. What this log has dropped it does
// not lack.
func (l *Log) Lacks(id RunID, theirs []Block) []Span {
	r := l.runs[id]
	var out []Span
	for _, b := range theirs {
		span := Span{Run: id, From: b.From, To: b.From + blockBeats}
		if r != nil {
			if mine := r.blocks[b.From]; mine != nil && mine.count == b.Count && mine.hash == b.Hash {
				continue
			}
			if id != 0 {
				span.From = max(span.From, uint64(r.gone))
			}
		}
		if span.From < span.To {
			out = append(out, span)
		}
	}
	return out
}

// Runs is the runs of which the log has verdicts or lacks some, ascending; 0 stands for
// requests. A run whose verdicts are all gone is nobody's to ask for.
func (l *Log) Runs() []RunID {
	var out []RunID
	for id, r := range l.runs {
		if len(r.blocks) > 0 || r.floor > max(r.gone, r.next) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
