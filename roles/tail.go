package roles

import (
	"math/bits"
	"time"
)

// The buckets of a Tail: eight to a doubling, so that a bucket is at most an eighth
// wide, from a microsecond to half a minute.
const (
	tailShift   = 10 // 1,024 ns, the unit of the buckets
	tailSteps   = 8  // buckets to a doubling, a power of two
	tailBuckets = 26 * tailSteps
)

// tailWindow is how many durations a Tail forgets together.
const tailWindow = 512

// Tail estimates the 99th percentile of recent durations in a fixed 2 KiB: the counts of
// the window that is being filled and of the one before it. The zero value is ready.
type Tail struct {
	counts  [2][tailBuckets]uint16 // [window][bucket]; window 0 is being filled
	filled  [2]int
	known   bool // p99 is of the present counts
	largest time.Duration
}

// Add notes a duration; a negative one counts as 0.
func (t *Tail) Add(d time.Duration) {
	if t.filled[0] == tailWindow {
		t.counts[1], t.filled[1] = t.counts[0], t.filled[0]
		clear(t.counts[0][:])
		t.filled[0] = 0
	}
	t.counts[0][tailBucket(d)]++
	t.filled[0]++
	t.known = false
}

// Count is how many durations the estimate rests on.
func (t *Tail) Count() int { return t.filled[0] + t.filled[1] }

// P99 is a duration that 99 of 100 recent ones did not exceed: exact but for the width
// of a bucket, by which it errs upwards; 0 before the first.
func (t *Tail) P99() time.Duration {
	if t.known {
		return t.largest
	}
	above := t.Count() / 100 // durations that may be larger
	t.known, t.largest = true, 0
	for b := tailBuckets - 1; b >= 0; b-- {
		if above -= int(t.counts[0][b]) + int(t.counts[1][b]); above < 0 {
			t.largest = tailLimit(b)
			break
		}
	}
	return t.largest
}

// tailBucket is the bucket of a duration: linear below eight units, then eight to a
// doubling.
func tailBucket(d time.Duration) int {
	units := uint64(max(0, d)) >> tailShift
	if units < tailSteps {
		return int(units)
	}
	doubling := bits.Len64(units) - bits.Len64(tailSteps) // 0 for 8 to 15 units
	step := int(units>>doubling) - tailSteps
	return min((doubling+1)*tailSteps+step, tailBuckets-1)
}

// tailLimit is the end of a bucket, which it does not contain.
func tailLimit(bucket int) time.Duration {
	if bucket < tailSteps {
		return time.Duration(bucket+1) << tailShift
	}
	doubling, step := bucket/tailSteps-1, bucket%tailSteps
	return time.Duration(tailSteps+step+1) << (doubling + tailShift)
}
