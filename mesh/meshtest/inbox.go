package meshtest

import (
	"math/rand/v2"
	"time"
)

// inbox is what arrives at one end of a stream or of a connection, for that end to read. It
// is guarded by the lock of the network.
type inbox struct {
	arriving []segment // in order
	bytes    int       // in them
	signal             // that this, or anything else of that end, has changed
}

// segment is one write, or the end of what is written.
type segment struct {
	data []byte
	end  bool
	sent time.Time
	at   time.Time // when it arrives
	held bool      // it does not get through: at does not count
}

// ready tells whether the first segment is there, else when it is; zero: not before something
// changes. Until a time nothing gets in.
func (b *inbox) ready(now, stalled time.Time) (bool, time.Time) {
	if len(b.arriving) == 0 || b.arriving[0].held {
		return false, time.Time{}
	}
	at := b.arriving[0].at
	if at.Before(stalled) {
		at = stalled
	}
	return !now.Before(at), at
}

// take reads from the first segment, which is there. Whoever writes is to be woken: there is
// room.
func (b *inbox) take(p []byte) int {
	first := &b.arriving[0]
	n := copy(p, first.data)
	first.data = first.data[n:]
	b.bytes -= n
	if len(first.data) == 0 {
		b.arriving = b.arriving[1:]
	}
	return n
}

// resent is when TCP next sends again what it sent first at some time and nobody
// acknowledged.
func resent(sent, now time.Time) time.Time {
	for wait := retransmitAfter; sent.Before(now); wait *= 2 {
		sent = sent.Add(wait)
	}
	return sent
}

// delay draws how long a segment takes; one that is lost is sent again after a time, which
// doubles.
func (q Quality) delay(random *rand.Rand, again time.Duration) time.Duration {
	d := q.Latency
	if q.Jitter > 0 {
		d += time.Duration(random.Int64N(int64(q.Jitter)))
	}
	for wait := again; random.Float64() < q.Loss; wait *= 2 {
		d += wait
	}
	return d
}
