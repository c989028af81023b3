package roles

import (
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkLogFill is a node that was restarted and fetches a whole log of others, block by
// block in no order, while samples fall; between blocks it looks for gaps, as nodes do five times
// a second. The longest is what a live sample waits for at most: an answer of one block, or a
// look: 34 and 12 to 20 ms where verdicts were one list and each beat was looked at.
func BenchmarkLogFill(b *testing.B) {
	of := make([]*Published, LogVerdicts)
	for i := range of {
		of[i] = publication(uint64(i+1), sealedOf(beatOf(Beat(i)), 1, ""))
	}
	for b.Loop() {
		rng := rand.New(rand.NewPCG(1, 1))
		l := NewLog()
		l.Floor(0, run7, LogVerdicts)
		blocks := rng.Perm(LogVerdicts / blockBeats)
		var spent, longest, look time.Duration
		for n, block := range blocks {
			from := time.Now()
			for _, p := range of[block*blockBeats : (block+1)*blockBeats] {
				l.Append(0, p)
			}
			took := time.Since(from)
			spent += took
			longest = max(longest, took)
			if n%2 == 0 {
				from = time.Now()
				l.Gaps(hall, run7, 8)
				took = time.Since(from)
				look = max(look, took)
			}
		}
		b.ReportMetric(float64(spent.Nanoseconds())/LogVerdicts, "ns/verdict")
		b.ReportMetric(float64(longest.Microseconds())/1000, "longest-block-ms")
		b.ReportMetric(float64(look.Microseconds())/1000, "longest-look-ms")
	}
}
