package roles

import (
	"math"
	"time"
)

// Instant is a time on one node's monotonic clock: nanoseconds since an arbitrary
// origin of that node. It never leaves the node.
type Instant int64

// Never is after every other instant.
const Never Instant = math.MaxInt64

// Add is the instant d later; Never stays Never.
func (t Instant) Add(d time.Duration) Instant {
	if t == Never {
		return Never
	}
	return t + Instant(d)
}

// Sub is the time from u to t.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }
