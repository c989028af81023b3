package roles

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The estimate steers deadlines: it must never be under the true percentile of what it
// rests on by more than rounding, nor over it by more than a bucket.
func TestTailP99(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 99, 100, 101, 200, tailWindow, 2 * tailWindow} {
		var tail Tail
		var all []time.Duration
		for range n {
			d := time.Duration(rng.ExpFloat64() * float64(20*time.Millisecond))
			tail.Add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		exact := all[n-1-n/100]
		if got := tail.P99(); got < exact || got > exact+exact/8+1<<tailShift {
			t.Errorf("%d durations: p99 %v, exactly %v", n, got, exact)
		}
	}
}

// It forgets: a device that was slow once is not waited for for ever.
func TestTailForgets(t *testing.T) {
	var tail Tail
	for range tailWindow {
		tail.Add(time.Second)
	}
	for range 2 * tailWindow {
		tail.Add(time.Millisecond)
	}
	if got, most := tail.P99(), 2*time.Millisecond; got > most {
		t.Errorf("after %d quick ones p99 is %v, want at most %v", 2*tailWindow, got, most)
	}
}

// The buckets meet without gap or overlap, and the extremes stay inside.
func TestTailBuckets(t *testing.T) {
	for b := range tailBuckets - 1 {
		if limit := tailLimit(b); tailBucket(limit-1) != b || tailBucket(limit) != b+1 {
			t.Fatalf("bucket %d ends at %v: neighbours fall in %d and %d", b, limit, tailBucket(limit-1), tailBucket(limit))
		}
	}
	for _, d := range []time.Duration{-1, 0, 1<<63 - 1} {
		var tail Tail
		tail.Add(d)
		if tail.P99() <= 0 {
			t.Errorf("p99 of %v: %v", d, tail.P99())
		}
	}
}

// The limit of a holder's silence follows the gaps, within its bounds.
func TestSilenceLimit(t *testing.T) {
	tests := []struct {
		name        string
		gap         time.Duration
		least, most time.Duration
	}{
		{"on a quiet network four gaps", 100 * time.Millisecond, 400 * time.Millisecond, 460 * time.Millisecond},
		{"never under 200 ms", 10 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond},
		{"never over 600 ms, or a pause would last for over a second", 700 * time.Millisecond, 600 * time.Millisecond, 600 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Silence
			s.Expect(0)
			if got := s.Until(); got != Instant(leastSilence) {
				t.Errorf("before the first heartbeat: silent at %v, want %v", got, leastSilence)
			}
			now := Instant(0)
			for range 50 {
				now = now.Add(tt.gap)
				s.Heard(now, false)
			}
			if got := s.Until().Sub(now); got < tt.least || got > tt.most {
				t.Errorf("silent after %v, want %v to %v", got, tt.least, tt.most)
			}
		})
	}
}
