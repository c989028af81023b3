package roles

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tallyOf is what Log.Tally keeps, counted anew from all that the log has.
func tallyOf(l *Log, now Instant, id RunID, grace time.Duration, holder bool) (t Tally) {
	if r := l.runs[id]; r != nil {
		t = r.dropped
	}
	for sample, s := range l.slots { // sums do not depend on the order
		switch {
		case sample.Run != id:
		case len(s.variants) > 0:
			t.count(s.variants[0].Sealed.Outcome)
			t.Superseded += uint64(len(s.variants) - 1)
		default:
			t.Due++
			if holder && now.Sub(s.since) > grace {
				t.Lost++
			} else {
				t.Open++
			}
		}
	}
	return t
}

// The tally is asked for every second by whoever looks at a node, in the goroutine that answers
// samples, and a log holds a hundred thousand: it is kept, not counted. So whatever comes, is
// superseded, dropped or taken back, and whichever runs are forgotten and heard of again, it
// must be what a count would give.
func TestLogTallyIsWhatACountGives(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 5))
		l, now := NewLog(), Instant(0)
		const grace, runs, steps = 5 * time.Second, 2 * maxRuns, 6000
		for step := range steps {
			pace := 20 * time.Millisecond // at first many runs have verdicts at once
			if step > steps/2 {
				pace = time.Second // then what is old is dropped
			}
			now = now.Add(time.Duration(rng.Int64N(int64(pace))))
			id := SampleID{Site: hall, Run: RunID(1 + rng.IntN(3)), Beat: Beat(step/20 + rng.IntN(4))}
			switch rng.IntN(20) {
			case 0:
				id = requestOf(RequestID(1 + step/4))
			case 1, 2, 3, 4, 5, 6, 7: // of runs that come and go
				id.Run = RunID(10 + rng.IntN(runs))
			}
			switch rng.IntN(6) {
			case 0:
				l.Know(now, id)
			case 1:
				l.unknow(id)
			case 2:
				l.marked()
			default:
				p := publication(uint64(step), sealedOf(id, rng.IntN(3), fmt.Sprint(rng.IntN(3))))
				p.Sealed.Outcome = Outcome(rng.IntN(3))
				if rng.IntN(4) == 0 {
					p.SupersededBy = Hash{1}
				}
				l.Append(now, p)
			}
			if step%50 > 0 {
				continue
			}
			for _, run := range []RunID{0, 1, 2, 3, id.Run} {
				holder := rng.IntN(2) == 0
				if diff := cmp.Diff(tallyOf(l, now, run, grace, holder), l.Tally(now, run, grace, holder)); diff != "" {
					t.Fatalf("seed %d, step %d: run %s (-counted +kept):\n%s", seed, step, run, diff)
				}
			}
		}
		if !l.orphans || l.lines.n > steps/2 {
			t.Fatalf("seed %d: no run was forgotten with samples in it, or nothing was dropped: %d lines", seed, l.lines.n)
		}
	}
}

// A tally takes as long as there are samples that are not decided, however many are: a count of
// a full log stalled a holder for a tenth of a second and more, and it dropped what it gathered.
func BenchmarkLogTally(b *testing.B) {
	l := NewLog()
	for i := range LogVerdicts {
		l.Append(0, publication(uint64(i), &Sealed{Sample: beatOf(Beat(i)), Epoch: Epoch{1, "h"}, Hash: Hash{byte(i), byte(i >> 8), byte(i >> 16)}}))
	}
	for b.Loop() {
		if t := l.Tally(0, run7, time.Second, true); t.Decided != LogVerdicts {
			b.Fatal(t)
		}
	}
}
