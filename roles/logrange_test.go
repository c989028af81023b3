package roles

import (
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a log lacks and has is found by whole blocks; it must be what looking at every beat
// finds: with runs that were forgotten, survivors that are not here, and what was dropped.
func TestLogRangesAreThoseOfItsBeats(t *testing.T) {
	wholes, blanks := 0, 0
	for seed := range uint64(15) {
		rng := rand.New(rand.NewPCG(seed, 7))
		l, now := NewLog(), Instant(0)
		const beats = 4*blockBeats + 50
		for step := range 60 {
			now = now.Add(time.Duration(rng.IntN(40)) * time.Second)
			run := RunID(1 + rng.IntN(2))
			from := Beat(rng.IntN(beats))
			switch rng.IntN(12) {
			case 0:
				l.Floor(now, run, from)
			case 1:
				l.Gone(run, from/2)
			case 2:
				if len(l.runs) > 0 {
					l.forget()
				}
			case 3:
				p := publication(uint64(step), sealedOf(SampleID{Site: hall, Run: run, Beat: from}, 1, ""))
				p.SupersededBy = sealedOf(p.Sealed.Sample, 2, "").Hash
				l.Append(now, p)
			case 4:
				l.Append(now, publication(uint64(step), sealedOf(SampleID{Site: hall, Run: run, Beat: from}, 2, "")))
			default:
				from = from / blockBeats * blockBeats
				for b := from; b < min(beats, from+blockBeats+Beat(rng.IntN(3)*100)); b++ {
					if rng.IntN(300) > 0 {
						l.Append(now, publication(uint64(step), sealedOf(SampleID{Site: hall, Run: run, Beat: b}, 1, "")))
					}
				}
			}
			for run := range RunID(3) {
				if diff := cmp.Diff(blocksOf(l, run+1), l.Blocks(run+1)); l.runs[run+1] != nil && diff != "" {
					t.Fatalf("seed %d, step %d: kept sums (-verdicts +kept):\n%s", seed, step, diff)
				}
				most := 1 + rng.IntN(8)
				if diff := cmp.Diff(gapsOf(l, run, most), l.Gaps(hall, run, most)); diff != "" {
					t.Fatalf("seed %d, step %d: gaps of run %d (-beats +blocks):\n%s", seed, step, run, diff)
				}
				span := Span{run, uint64(rng.IntN(beats)), 0}
				span.To = span.From + 1 + uint64(rng.IntN(beats))
				lines, gaps, end := rangeOf(l, span, 50*most)
				gotLines, gotGaps, gotEnd := l.Range(hall, span, 50*most)
				if diff := cmp.Diff(gaps, gotGaps); diff != "" || end != gotEnd || !slices.Equal(lines, gotLines) {
					t.Fatalf("seed %d, step %d: %d lines up to %d, want %d up to %d; gaps of %v (-beats +blocks):\n%s",
						seed, step, len(gotLines), gotEnd, len(lines), end, span, diff)
				}
				if all, _, _ := l.Range(hall, Span{run, 0, 1 << 30}, 1<<20); l.runs[run] != nil && len(all) != decidedOf(l, run) {
					t.Fatalf("seed %d, step %d: of run %d %d verdicts are told, there are %d", seed, step, run, len(all), decidedOf(l, run))
				}
				if r := l.runs[run]; r != nil {
					counted := 0
					for _, b := range r.blocks { // a sum does not depend on the order
						counted += b.awaiting
					}
					if n := awaitingOf(l, run); n != counted {
						t.Fatalf("seed %d, step %d: %d slots await a survivor, counted %d", seed, step, n, counted)
					}
					wholes += min(1, int(r.whole(blockBeats)))
					if r.blank(blockBeats) > blockBeats {
						blanks++
					}
				}
			}
		}
	}
	if wholes < 50 || blanks < 50 {
		t.Errorf("%d blocks were whole and %d blank: too few to tell", wholes, blanks)
	}
}

func decidedOf(l *Log, run RunID) (n int) {
	for id, s := range l.slots { // a sum does not depend on the order
		if id.Run == run {
			n += len(s.variants)
		}
	}
	return n
}

func awaitingOf(l *Log, run RunID) (n int) {
	for id, s := range l.slots { // a sum does not depend on the order
		if id.Run == run {
			n += s.awaiting()
		}
	}
	return n
}

// gapsOf is Log.Gaps, beat by beat, from the first.
func gapsOf(l *Log, run RunID, most int) (out []Span) {
	r := l.runs[run]
	if r == nil {
		return nil
	}
	for b := max(r.next, r.gone); b < r.floor; b++ {
		if l.has(SampleID{Site: hall, Run: run, Beat: b}) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].To == uint64(b) {
			out[n-1].To++
		} else if n < most {
			out = append(out, Span{run, uint64(b), uint64(b) + 1})
		} else {
			break
		}
	}
	return out
}

// rangeOf is Log.Range, beat by beat.
func rangeOf(l *Log, span Span, most int) (lines []*Published, gaps []Gap, end uint64) {
	if span.Run == 0 {
		return nil, nil, span.To
	}
	r := l.runs[span.Run]
	if r == nil {
		r = &runLog{}
	}
	gap := func(from, to uint64, kind GapKind) {
		if n := len(gaps); n > 0 && gaps[n-1].To == from && gaps[n-1].Kind == kind {
			gaps[n-1].To = to
		} else {
			gaps = append(gaps, Gap{Span{span.Run, from, to}, kind})
		}
	}
	known := uint64(max(r.end, r.floor, r.gone))
	b := span.From
	for ; b < min(span.To, known); b++ {
		s := l.slots[SampleID{Site: hall, Run: span.Run, Beat: Beat(b)}]
		if s == nil || len(s.variants) == 0 {
			kind, _ := r.gap(b)
			gap(b, b+1, kind)
			continue
		}
		if len(lines)+len(s.variants) > most && len(lines) > 0 {
			return lines, gaps, b
		}
		lines = append(lines, s.variants...)
	}
	if b < span.To {
		gaps = append(gaps, Gap{Span{span.Run, b, span.To}, NotFinal})
	}
	return lines, gaps, span.To
}

// Lines stand in the order of their numbers, those of one number in that of their coming,
// whatever that is, and however chunks fall; as in one list.
func TestLines(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 8))
		var l lines
		var want []*Published
		for n := range 4 * maxChunk {
			p := publication(1+rng.Uint64N(3*maxChunk), sealedOf(beatOf(Beat(n)), 1, ""))
			if seed%3 == 0 { // as nearly always
				p.Seq.N = uint64(n)
			}
			l.insert(line{Published: p})
			i := sort.Search(len(want), func(i int) bool { return want[i].Seq.Compare(p.Seq) > 0 })
			want = slices.Insert(want, i, p)
			if by := *want[0]; rng.IntN(8) == 0 {
				l.replace(want[0], &by)
				want[0] = &by
			}
			for rng.IntN(4) == 0 && len(want) > 0 {
				if l.first().Published != want[0] {
					t.Fatalf("seed %d: the first is %v, want %v", seed, l.first().Seq, want[0].Seq)
				}
				i := 0
				if rng.IntN(3) == 0 {
					i = rng.IntN(len(want))
				}
				l.remove(want[i])
				want = slices.Delete(want, i, i+1)
			}
		}
		if got := l.last(l.n + 1); l.n != len(want) || !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d lines of %d are not the %d that were put in, in their order", seed, len(got), l.n, len(want))
		}
		for range 50 {
			most, seq := rng.IntN(len(want)+5), Seq{Epoch{1, "h"}, rng.Uint64N(4 * maxChunk)}
			if got := l.last(most); !slices.Equal(got, want[max(0, len(want)-most):]) {
				t.Fatalf("seed %d: not the last %d", seed, most)
			}
			i := slices.IndexFunc(want, func(p *Published) bool { return p.Seq.Compare(seq) > 0 })
			after := want[max(0, i):]
			if i < 0 {
				after = nil
			}
			chunk, at := l.search(seq)
			if got := l.from(chunk, at, most); !slices.Equal(got, after[:min(most, len(after))]) {
				t.Fatalf("seed %d: %d after %v, want %d", seed, len(got), seq, min(most, len(after)))
			}
		}
		for _, in := range l.chunks {
			if len(in) == 0 || len(in) > maxChunk {
				t.Fatalf("seed %d: a chunk of %d lines", seed, len(in))
			}
		}
	}
}
