package roles

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ganglion/inference"
	"ganglion/inference/topology"
)

const run7 = RunID(7)

func beatOf(b Beat) SampleID { return SampleID{Site: hall, Run: run7, Beat: b} }

func requestOf(r RequestID) SampleID { return SampleID{Site: hall, Request: r} }

// sealedOf is a verdict that rests on so many views; its bytes tell it from others.
func sealedOf(id SampleID, used int, tag string) *Sealed {
	s := Seal(&Verdict{Sample: id, Epoch: Epoch{1, "h"}}, []byte(fmt.Sprint(id, used, tag)))
	s.Outcome, s.Used = Answered, used
	return s
}

func publication(n uint64, s *Sealed) *Published {
	return &Published{Seq: Seq{Epoch{1, "h"}, n}, Sealed: s}
}

// Of several groups the first under its threshold answers, whatever else was proposed; what
// a verdict is said to rest on is that exit's views.
func TestVerdictAnswerBy(t *testing.T) {
	local := func(group, seen int) inference.Proposal {
		return inference.Proposal{Exit: topology.ExitLocal, Group: group, Seen: seen, Class: group}
	}
	v := Verdict{Sample: beatOf(0), Epoch: Epoch{1, "h"}}
	v.Answer.Proposals = []inference.Proposal{local(0, 3), local(1, 2), local(2, 1)}
	second := v.Answer.Proposals[1]
	v.answerBy(&Proposed{Exit: &second, Seen: 0b11000})
	if got := v.Answer; got.Exit != topology.ExitLocal || got.Class != 1 || len(got.Proposals) != 2 || len(v.Others) != 1 {
		t.Errorf("answer %+v, others %+v: want class 1, two proposals and one other", got, v.Others)
	}
	if got := Seal(&v, []byte("v")); got.Used != 2 || got.Outcome != Answered {
		t.Errorf("sealed %+v, want two views used", got)
	}
}

// The criteria of survival, each decisive over all behind it. The first of a row survives.
func TestSealedCompare(t *testing.T) {
	id := beatOf(1)
	of := func(change func(s *Sealed)) *Sealed {
		s := sealedOf(id, 3, "")
		change(s)
		return s
	}
	low, high := Hash{1}, Hash{2}
	tests := []struct {
		name           string
		survivor, lost *Sealed
	}{
		{"more views before not stopped early", of(func(s *Sealed) { s.Used, s.StoppedEarly = 4, true }), of(func(*Sealed) {})},
		{"a class before none", of(func(s *Sealed) { s.Used = 0 }), of(func(s *Sealed) { s.Used, s.Outcome, s.Epoch = 0, NoView, Epoch{9, "z"} })},
		{"none before refused", of(func(s *Sealed) { s.Used, s.Outcome = 0, NoView }), of(func(s *Sealed) { s.Used, s.Outcome, s.Epoch = 0, AllRefused, Epoch{9, "z"} })},
		{"not stopped early before the epoch", of(func(*Sealed) {}), of(func(s *Sealed) { s.StoppedEarly, s.Epoch = true, Epoch{9, "z"} })},
		{"the higher epoch before the hash", of(func(s *Sealed) { s.Epoch, s.Hash = Epoch{2, "a"}, high }), of(func(s *Sealed) { s.Hash = low })},
		{"the lower hash", of(func(s *Sealed) { s.Hash = low }), of(func(s *Sealed) { s.Hash = high })},
	}
	for _, tt := range tests {
		if got := tt.survivor.Compare(tt.lost); got >= 0 {
			t.Errorf("%s: %d", tt.name, got)
		}
		if got := tt.lost.Compare(tt.survivor); got <= 0 {
			t.Errorf("%s, the other way: %d", tt.name, got)
		}
		if got := tt.lost.Compare(tt.lost); got != 0 {
			t.Errorf("%s, with itself: %d", tt.name, got)
		}
	}
}

// Two halves of a mesh decided the same samples. In whatever order a node hears of it
// all, and however often, it ends with the same survivors and the same counts, each
// sample counted once.
func TestLogConverges(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 9))
		var all []*Published
		best := map[SampleID]*Sealed{}
		for i := range 30 {
			id := beatOf(Beat(rng.IntN(15)))
			if rng.IntN(5) == 0 {
				id = requestOf(RequestID(1 + rng.IntN(3)))
			}
			s := sealedOf(id, rng.IntN(4), fmt.Sprint(rng.IntN(2)))
			all = append(all, publication(uint64(i), s))
			if b := best[id]; b == nil || s.Compare(b) < 0 {
				best[id] = s
			}
		}
		variants := map[Hash]bool{}
		for _, p := range all {
			variants[p.Sealed.Hash] = true
		}
		if len(variants) > maxVariants*len(best) {
			continue
		}
		l := NewLog()
		for range 3 {
			rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, p := range all {
				l.Append(0, p)
			}
		}
		tooMany := false
		count := map[SampleID]int{}
		for h := range variants {
			i := slices.IndexFunc(all, func(p *Published) bool { return p.Sealed.Hash == h })
			count[all[i].Sealed.Sample]++
			tooMany = tooMany || count[all[i].Sealed.Sample] > maxVariants
		}
		if tooMany {
			continue // beyond the bound the order may be seen
		}
		for id, want := range best {
			if got := l.Survivor(id); got == nil || got.Sealed.Hash != want.Hash {
				t.Fatalf("seed %d: of %s survives %+v, want %+v", seed, id, got, want)
			}
		}
		var sum Tally
		for _, run := range []RunID{0, run7} {
			tally := l.Tally(0, run, time.Second, true)
			sum.Decided += tally.Decided
			sum.Superseded += tally.Superseded
		}
		if int(sum.Decided) != len(best) || int(sum.Decided+sum.Superseded) != len(variants) {
			t.Fatalf("seed %d: %d decided, %d superseded; want %d of %d verdicts", seed, sum.Decided, sum.Superseded, len(best), len(variants))
		}
		if !slices.IsSortedFunc(l.After(Seq{}, 1000), func(a, b *Published) int { return a.Seq.Compare(b.Seq) }) {
			t.Fatalf("seed %d: the log is out of order", seed)
		}
	}
}

// Who has lost is told once, to be published again; and a verdict that was named as the
// survivor and is not here is a gap.
func TestLogSupersedes(t *testing.T) {
	l := NewLog()
	weak, strong := publication(1, sealedOf(beatOf(0), 2, "")), publication(2, sealedOf(beatOf(0), 5, ""))
	if news, loser := l.Append(0, weak); !news || loser != nil {
		t.Errorf("the first: news %v, loser %v", news, loser)
	}
	if news, loser := l.Append(0, strong); !news || loser != weak {
		t.Errorf("the survivor: news %v, loser %v; want the first", news, loser)
	}
	told := &Published{Seq: Seq{Epoch{1, "h"}, 3}, Sealed: weak.Sealed, SupersededBy: strong.Sealed.Hash}
	if news, loser := l.Append(0, told); !news || loser != nil {
		t.Errorf("told: news %v, loser %v", news, loser)
	}
	if news, _ := l.Append(0, told); news {
		t.Error("told twice is news")
	}
	if news, _ := l.Append(0, weak); news {
		t.Error("the one that lost is news again")
	}

	l = NewLog()
	l.Append(0, told)
	l.Floor(0, run7, 1)
	want := []Span{{run7, 0, 1}}
	if got := l.Gaps(hall, run7, 10); !slices.Equal(got, want) {
		t.Errorf("without the survivor the gaps are %v, want %v", got, want)
	}
	l.Append(0, strong)
	if got := l.Gaps(hall, run7, 10); got != nil {
		t.Errorf("with the survivor the gaps are %v", got)
	}
}

// Complete or naming the gap: what a log lacks it says, and why.
func TestLogGapsAndRanges(t *testing.T) {
	l := NewLog()
	for _, b := range []Beat{0, 1, 4, 5, 9, 12} {
		l.Append(0, publication(uint64(b), sealedOf(beatOf(b), 1, "")))
	}
	l.Floor(0, run7, 11)
	if diff := cmp.Diff([]Span{{run7, 2, 4}, {run7, 6, 9}, {run7, 10, 11}}, l.Gaps(hall, run7, 10)); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Span{{run7, 2, 4}}, l.Gaps(hall, run7, 1)); diff != "" {
		t.Errorf("one gap at most (-want +got):\n%s", diff)
	}
	lines, gaps, end := l.Range(hall, Span{run7, 0, 100}, 50)
	wantGaps := []Gap{
		{Span{run7, 2, 4}, Unknown},
		{Span{run7, 6, 9}, Unknown},
		{Span{run7, 10, 11}, Unknown},
		{Span{run7, 11, 12}, NotFinal},
		{Span{run7, 13, 100}, NotFinal},
	}
	if diff := cmp.Diff(wantGaps, gaps); diff != "" || len(lines) != 6 || end != 100 {
		t.Errorf("range: %d lines up to %d, want 6 up to 100; gaps (-want +got):\n%s", len(lines), end, diff)
	}
	lines, _, end = l.Range(hall, Span{run7, 0, 100}, 3)
	if len(lines) != 3 || end != 5 {
		t.Errorf("three at most: %d lines up to %d, want 3 up to 5", len(lines), end)
	}
	l.Gone(run7, 9)
	if diff := cmp.Diff([]Span{{run7, 10, 11}}, l.Gaps(hall, run7, 10)); diff != "" {
		t.Errorf("gaps after what is gone everywhere (-want +got):\n%s", diff)
	}
	if lines, _, _ := l.Range(hall, Span{99, 0, 10}, 5); lines != nil {
		t.Errorf("an unknown run has %d lines", len(lines))
	}
}

// Memory is bounded by number and age, and what was dropped stays counted, once.
func TestLogForgets(t *testing.T) {
	l := NewLog()
	const beats = LogVerdicts + 500
	for b := range Beat(beats) {
		l.Append(Instant(b), publication(uint64(b), sealedOf(beatOf(b), int(b%2), "")))
	}
	if l.Len() != LogVerdicts || len(l.slots) != LogVerdicts {
		t.Errorf("%d lines of %d samples, want %d", l.Len(), len(l.slots), LogVerdicts)
	}
	if news, _ := l.Append(beats, publication(3, sealedOf(beatOf(3), 1, ""))); news {
		t.Error("what was dropped is news again")
	}
	l.Floor(beats, run7, beats)
	if got := l.Gaps(hall, run7, 10); got != nil {
		t.Errorf("what was dropped is a gap: %v", got)
	}
	_, gaps, _ := l.Range(hall, Span{run7, 490, 510}, 50)
	if diff := cmp.Diff([]Gap{{Span{run7, 490, 500}, Dropped}}, gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if got := l.Tally(beats, run7, 0, true); got.Decided != beats || got.Due != beats {
		t.Errorf("tally %+v, want %d decided", got, beats)
	}
	later := Instant(0).Add(LogAge + time.Minute)
	l.Append(later, publication(beats, sealedOf(beatOf(beats), 1, "")))
	if l.Len() != 1 {
		t.Errorf("%d lines after %v, want the last alone", l.Len(), LogAge)
	}
	if got := l.Tally(later, run7, 0, true); got.Decided != beats+1 {
		t.Errorf("tally %+v, want %d decided", got, beats+1)
	}
	for r := range RunID(2 * maxRuns) {
		l.Floor(later.Add(time.Duration(r)), r+100, 1)
	}
	if len(l.runs) > maxRuns {
		t.Errorf("%d runs, want at most %d", len(l.runs), maxRuns)
	}
}

// A request that was dropped stays so, however late another node tells of it: or two nodes
// that heard of it at different times would hand it back and forth, as news each time.
func TestLogForgetsRequests(t *testing.T) {
	l := NewLog()
	const requests = 50
	for r := range RequestID(requests) {
		l.Append(0, publication(uint64(r), sealedOf(requestOf(r+1), 1, "")))
	}
	later := Instant(0).Add(LogAge + time.Second)
	l.Append(later, publication(requests, sealedOf(beatOf(0), 1, "")))
	if l.Len() != 1 {
		t.Fatalf("%d lines after %v, want the last alone", l.Len(), LogAge)
	}
	for r := range RequestID(requests) {
		id := requestOf(r + 1)
		if news, _ := l.Append(later, publication(uint64(r), sealedOf(id, 1, ""))); news || l.Survivor(id) != nil {
			t.Errorf("%s is news again", id)
		}
		if !l.Know(later, id) || !l.Had(id) {
			t.Errorf("%s counts as one that was never here", id)
		}
	}
	if diff := cmp.Diff(Tally{Due: requests, Decided: requests}, l.Tally(later, 0, 0, true)); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
	if news, _ := l.Append(later, publication(requests+1, sealedOf(requestOf(requests+1), 1, ""))); !news {
		t.Error("another request is no news")
	}
}

// What is remembered of requests that were dropped is bounded; the oldest make room.
func TestRing(t *testing.T) {
	r := newRing(3)
	for id := range RequestID(5) {
		r.add(requestOf(id+1), Instant(id))
		r.add(requestOf(id+1), 99)
	}
	for id := range RequestID(5) {
		at, got := r.at(requestOf(id + 1))
		if want := id >= 2; got != want || got && at != Instant(id) {
			t.Errorf("request %d is remembered: %v, of %v; want %v", id+1, got, at, want)
		}
	}
	if len(r.set) != 3 || len(r.order) != 3 {
		t.Errorf("%d and %d samples in a ring of 3", len(r.set), len(r.order))
	}
}

// A run whose verdicts all nodes have dropped is spoken of no more; and the first to make room
// is one without verdicts, whoever speaks of it.
func TestLogForgetsRuns(t *testing.T) {
	l := NewLog()
	of := func(run RunID) SampleID { return SampleID{Site: hall, Run: run} }
	l.Append(0, publication(1, sealedOf(of(1), 1, "")))
	l.Floor(0, 1, 1)
	l.Floor(0, 2, 5) // of which it lacks every verdict
	later := Instant(0).Add(LogAge + time.Second)
	l.Append(later, publication(2, sealedOf(of(3), 1, "")))
	if diff := cmp.Diff([]RunID{2, 3}, l.Runs()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if l.Gaps(hall, 1, 1) != nil || l.FloorOf(1) != 1 {
		t.Error("what was dropped of a run is a gap, or its floor is not known any more")
	}
	l.Gone(2, 5)
	if diff := cmp.Diff([]RunID{3}, l.Runs()); diff != "" {
		t.Errorf("runs after what no node has any more (-want +got):\n%s", diff)
	}

	run := func(n int) RunID { return RunID(100 + n) }
	for n := range maxRuns - len(l.runs) {
		l.Append(later.Add(time.Duration(n)), publication(uint64(3+n), sealedOf(of(run(n)), 1, "")))
	}
	later = later.Add(time.Second)
	l.Floor(later, 1, 1) // an old floor, once more
	l.Floor(later, 99, 1)
	l.Floor(later, 98, 1)
	if _, there := l.runs[1]; there || l.runs[2] != nil {
		t.Error("runs without verdicts do not make room for others")
	}
	if l.runs[3] == nil || l.runs[run(0)] == nil {
		t.Error("a run with verdicts made room although there were some without")
	}
}

// Due is always the sum of what became of it.
func TestLogTally(t *testing.T) {
	l := NewLog()
	none := sealedOf(beatOf(1), 0, "")
	none.Outcome = NoView
	refused := sealedOf(beatOf(2), 0, "")
	refused.Outcome = AllRefused
	for n, s := range []*Sealed{sealedOf(beatOf(0), 3, ""), none, refused, sealedOf(beatOf(0), 2, "")} {
		l.Append(0, publication(uint64(n), s))
	}
	l.Know(0, beatOf(3))
	l.Know(at(900*ms), beatOf(4))
	l.Know(0, beatOf(0))
	tests := []struct {
		name   string
		holder bool
		want   Tally
	}{
		{"a holder answers", true, Tally{Due: 5, Decided: 2, NoView: 1, Refused: 1, Open: 1, Lost: 1, Superseded: 1}},
		{"none answers", false, Tally{Due: 5, Decided: 2, NoView: 1, Refused: 1, Open: 2, Superseded: 1}},
	}
	for _, tt := range tests {
		got := l.Tally(at(time.Second), run7, 500*ms, tt.holder)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	l.Append(at(time.Second), publication(9, sealedOf(beatOf(3), 1, "")))
	if got := l.Tally(at(time.Second), run7, 500*ms, true); got.Lost != 0 || got.Due != 5 {
		t.Errorf("after the late verdict: %+v", got)
	}
	for r := range RequestID(LogVerdicts + 5) {
		l.Know(0, requestOf(r+1))
	}
	if l.known > LogVerdicts {
		t.Errorf("%d samples known and not decided, want at most %d", l.known, LogVerdicts)
	}
}

// After a heal two logs find where they differ without sending themselves, and are alike
// once they have exchanged that.
func TestLogsReconcile(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 2))
		logs := [2]*Log{NewLog(), NewLog()}
		n := uint64(0)
		for range 2000 {
			id := beatOf(Beat(rng.IntN(3000)))
			if rng.IntN(10) == 0 {
				id = requestOf(RequestID(rng.Uint64() | 1))
			}
			s := sealedOf(id, 1+rng.IntN(3), "")
			side := rng.IntN(4) // 2 and 3: both know it
			for i, l := range logs {
				if side == i || side > 1 {
					l.Append(0, publication(n, s))
				}
			}
			n++
		}
		for _, run := range []RunID{0, run7} {
			for i, l := range logs {
				theirs := logs[1-i]
				for _, span := range l.Lacks(run, theirs.Blocks(run)) {
					for span.From < span.To {
						lines, _, end := theirs.Range(hall, span, 64)
						for _, p := range lines {
							l.Append(0, p)
						}
						span.From = end
					}
				}
			}
			if diff := cmp.Diff(logs[0].Blocks(run), logs[1].Blocks(run), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d: run %s differs after the exchange:\n%s", seed, run, diff)
			}
			if again := logs[0].Lacks(run, logs[1].Blocks(run)); again != nil {
				t.Fatalf("seed %d: still %v", seed, again)
			}
			for i, l := range logs {
				if diff := cmp.Diff(blocksOf(l, run), l.Blocks(run)); diff != "" {
					t.Fatalf("seed %d: the kept sums of log %d are not those of its verdicts (-verdicts +kept):\n%s", seed, i, diff)
				}
			}
		}
	}
}

// blocksOf is what Log.Blocks keeps, made anew of all that the log has.
func blocksOf(l *Log, id RunID) []Block {
	sums := map[uint64]*Block{}
	for sample, s := range l.slots { // sums do not depend on the order
		if sample.Run != id || len(s.variants) == 0 {
			continue
		}
		from := place(sample) / blockBeats * blockBeats
		if sums[from] == nil {
			sums[from] = &Block{From: from}
		}
		sums[from].Count++
		for _, v := range s.variants {
			for i := range v.Sealed.Hash {
				sums[from].Hash[i] ^= v.Sealed.Hash[i]
			}
		}
	}
	var out []Block
	for _, from := range slices.Sorted(maps.Keys(sums)) {
		out = append(out, *sums[from])
	}
	return out
}

// The sums of a log are of what it has, when it has dropped much of it, too: or it would be
// compared for ever. What it dropped it does not ask for again.
func TestLogBlocksForget(t *testing.T) {
	l, old := NewLog(), NewLog()
	for b := range Beat(1000) {
		p := publication(uint64(b), sealedOf(beatOf(b), 1, ""))
		old.Append(0, p)
		l.Append(Instant(0).Add(time.Duration(b)*time.Second), p)
		l.Append(Instant(0).Add(time.Duration(b)*time.Second), publication(uint64(b), sealedOf(requestOf(RequestID(b+1)<<44), 1, "")))
	}
	for _, run := range []RunID{0, run7} {
		if diff := cmp.Diff(blocksOf(l, run), l.Blocks(run)); diff != "" {
			t.Errorf("run %s: the kept sums are not those of the verdicts (-verdicts +kept):\n%s", run, diff)
		}
	}
	kept := l.runs[run7].gone
	if kept == 0 {
		t.Fatal("nothing was dropped")
	}
	if diff := cmp.Diff([]Span{{run7, uint64(kept), 512}}, l.Lacks(run7, old.Blocks(run7))); diff != "" {
		t.Errorf("lacks (-want +got):\n%s", diff)
	}
}

// Of more verdicts of a sample than are kept every node keeps the same, the survivor among
// them, in whatever order they come; and whoever has two marks the one that lost by itself.
func TestLogOfManyVariants(t *testing.T) {
	var all []*Published
	for i := range maxVariants + 3 {
		all = append(all, publication(uint64(i), sealedOf(beatOf(0), i, "")))
	}
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 4))
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		l := NewLog()
		for _, p := range all {
			l.Append(0, p)
		}
		l.marked()
		of := l.slots[beatOf(0)].variants
		for i, p := range of {
			if p.Sealed.Used != maxVariants+2-i || (p.SupersededBy != Hash{}) != (i > 0) {
				t.Errorf("seed %d: verdict %d rests on %d views, superseded by %s", seed, i, p.Sealed.Used, p.SupersededBy)
			}
		}
		if again := l.marked(); len(of) != maxVariants || again != nil {
			t.Errorf("seed %d: %d verdicts, and marked again %v", seed, len(of), again)
		}
		if diff := cmp.Diff(blocksOf(l, run7), l.Blocks(run7)); diff != "" {
			t.Errorf("seed %d: the kept sums are not those of the verdicts (-verdicts +kept):\n%s", seed, diff)
		}
		if tally := l.Tally(0, run7, time.Second, true); tally.Superseded != maxVariants-1 || tally.Decided != 1 {
			t.Errorf("seed %d: %+v", seed, tally)
		}
	}
}

// Nodes of a mesh that was parted time and again hear of the same verdicts, each half of its own
// first, and of which lost from a coordinator or find out by themselves. Their logs are full, and
// they must keep the same and have counted the same. When a line was dropped and not the sample,
// and a verdict that lost had a line for each time that it was spoken of, they did not: they kept
// different ones, asked one another for what they had dropped, counted it once more, and took
// verdicts that had lost for ones that stand.
func TestFullLogsAgree(t *testing.T) {
	const (
		partitions = 6
		parted     = 10_000
		whole      = 2_000
		last       = partitions * (parted + whole)
	)
	logs := []*Log{NewLog(), NewLog(), NewLog(), NewLog()}
	rng := rand.New(rand.NewPCG(1, 6))
	publish := map[int]uint64{}
	said := func(epoch int, s *Sealed, by Hash) *Published {
		publish[epoch]++
		return &Published{Seq: Seq{Epoch{uint64(epoch), "h"}, publish[epoch]}, Sealed: s, SupersededBy: by}
	}
	for of := range partitions {
		from := Beat(of * (parted + whole))
		var halves [2][]*Published // the second half claims
		var marks []*Published
		for b := from; b < from+parted; b++ {
			var sealed [2]*Sealed
			for half := range sealed {
				sealed[half] = sealedOf(beatOf(b), rng.IntN(3), fmt.Sprint("half", half))
				if sealed[half].Used == 0 {
					sealed[half].Outcome = NoView
				}
				halves[half] = append(halves[half], said(of+1+half, sealed[half], Hash{}))
			}
			if sealed[0].Compare(sealed[1]) < 0 {
				sealed[0], sealed[1] = sealed[1], sealed[0]
			}
			if rng.IntN(2) == 0 { // not all of them are heard of in time
				marks = append(marks, said(of+2, sealed[0], sealed[1].Hash))
			}
		}
		for i, l := range logs {
			hear := func(all []*Published, shuffled bool) {
				all = slices.Clone(all)
				if shuffled { // as by blocks of another log
					rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				}
				for _, p := range all {
					l.Append(0, p)
				}
				if i%2 == 0 {
					l.marked()
				}
			}
			hear(halves[i/2], false)
			if i == 1 {
				hear(marks, false) // before the verdicts of the other half
			}
			hear(halves[1-i/2], true)
			hear(marks, false)
			l.marked()
		}
		for b := from + parted; b < from+parted+whole; b++ {
			p := said(of+2, sealedOf(beatOf(b), 1, ""), Hash{})
			for _, l := range logs {
				l.Append(0, p)
			}
		}
	}
	want := Tally{Due: last, Decided: last, Superseded: partitions * parted}
	for i, l := range logs {
		l.Floor(0, run7, last)
		got := l.Tally(0, run7, 0, true)
		if want.NoView == 0 {
			want.NoView = got.NoView
		}
		if diff := cmp.Diff(want, got); diff != "" || l.runs[run7].gone == 0 {
			t.Errorf("log %d counted otherwise, or dropped nothing (-want +got):\n%s", i, diff)
		}
		if asks := l.Lacks(run7, logs[0].Blocks(run7)); asks != nil {
			t.Errorf("log %d asks for %d blocks of log 0", i, len(asks))
		}
		for id, s := range l.slots {
			if s.variants[0].SupersededBy != (Hash{}) {
				t.Fatalf("log %d: the verdict of beat %d that stands is %v, which lost", i, id.Beat, s.variants[0].Seq)
			}
		}
	}
}

// One full log is behind another and has samples still that the other has dropped: it is not
// asked for those, and whoever tells of them tells no news.
func TestFullLogsAskForNothingThatTheyDrop(t *testing.T) {
	const parted = 10_000
	halves := func(n uint64, s *Sealed, half uint64) *Published {
		return &Published{Seq: Seq{Epoch{half, "h"}, n}, Sealed: s}
	}
	fill := func(until int) *Log {
		l := NewLog()
		for b := range Beat(parted) {
			l.Append(0, halves(uint64(b+1), sealedOf(beatOf(b), 1, "one"), 1))
			l.Append(0, halves(uint64(b+1), sealedOf(beatOf(b), 2, "other"), 2))
		}
		for b := Beat(parted); b < Beat(until); b++ {
			l.Append(0, halves(uint64(b+1), sealedOf(beatOf(b), 2, ""), 2))
		}
		return l
	}
	const full, lines = LogVerdicts - parted, 10_000
	less, more := fill(full+lines), fill(full+200)
	if got := less.runs[run7].gone; got != lines/2 {
		t.Fatalf("beats below %d were dropped, want %d: those with the lowest numbers, of both halves", got, lines/2)
	}
	for _, span := range less.Lacks(run7, more.Blocks(run7)) {
		if span.From < lines/2 {
			t.Errorf("it asks for beats %d to %d, which it dropped", span.From, span.To)
		}
	}
	before := less.Tally(0, run7, 0, true)
	all, _, _ := more.Range(hall, Span{run7, 0, parted}, LogVerdicts)
	for _, p := range all {
		if news, _ := less.Append(0, p); news {
			t.Fatalf("%s of beat %d is news to a log that dropped it or has it", p.Seq, p.Sealed.Sample.Beat)
		}
	}
	if before != less.Tally(0, run7, 0, true) {
		t.Error("what was dropped is counted once more")
	}
}
