package roles

import "time"

// How a device follows the holder's clock.
const (
	beatWindow = 16                    // heartbeats that the mapping rests on
	slewShare  = 100                   // the mapping moves by at most 1/slewShare of the time that passes
	beatStep   = 10 * time.Millisecond // behind by more than this it steps
	beatStop   = time.Second           // ahead by more than this it stands still
)

// beatSample is one heartbeat: t0 as it would be without a way, and the round trip.
type beatSample struct {
	origin Instant
	trip   time.Duration
}

// BeatClock places the beats of one run on a device's own clock. The time since t0 that
// it tells never falls, so that no beat comes twice.
//
// A heartbeat carries the time since t0 at the holder. The heartbeat that was on its way
// for the shortest time gives the latest bound of t0; half the best round trip is taken
// off for the way (as in Cristian, "Probabilistic Clock Synchronization", 1989). No
// heartbeat arrives before it is sent, so that a device that finds itself behind is: by over
// 10 ms (the first heartbeat was late, its machine slept) it steps, and the beats between
// are late ones. Else the mapping moves at most 1 % faster or slower than the clock; ahead
// by over a second (another holder continues from an earlier beat) it stands still.
type BeatClock struct {
	run     RunRecord
	samples [beatWindow]beatSample
	count   int // of samples, ever
	synced  bool
	at      Instant       // of since
	since   time.Duration // t0, as far as told
	next    Beat          // the first that has not been told
}

// NewBeatClock is a clock that waits for its first heartbeat. first is the earliest beat
// that it will tell: 0, or the one after the last that the device took part in.
func NewBeatClock(run RunRecord, first Beat) *BeatClock {
	return &BeatClock{run: run, next: first}
}

// Run is the record of the run, as last heard.
func (c *BeatClock) Run() *RunRecord { return &c.run }

// Heartbeat takes a heartbeat of this run: its record, the holder's time since t0, and
// the round trip that was measured last. A newcomer begins with the beat after the
// present one unless it replays.
func (c *BeatClock) Heartbeat(now Instant, run RunRecord, since, trip time.Duration) {
	c.run = run
	c.samples[c.count%beatWindow] = beatSample{origin: now.Add(-since), trip: trip}
	c.count++
	if !c.synced {
		c.synced, c.at, c.since = true, now, max(0, since+trip/2)
	}
}

// HolderChanged forgets what the last holder's clock said; the mapping follows the next
// one's from where it is.
func (c *BeatClock) HolderChanged() { c.count = 0 }

// target is the time since t0 that the heartbeats say.
func (c *BeatClock) target(now Instant) time.Duration {
	n := min(c.count, beatWindow)
	best := c.samples[0]
	for _, s := range c.samples[1:max(n, 1)] {
		best.origin = min(best.origin, s.origin)
		best.trip = min(best.trip, s.trip)
	}
	return now.Sub(best.origin) + best.trip/2
}

// Since is the time since t0 at now, at least what it was before; false until the first
// heartbeat.
func (c *BeatClock) Since(now Instant) (time.Duration, bool) {
	if !c.synced {
		return 0, false
	}
	passed := max(0, now.Sub(c.at))
	if c.count > 0 {
		switch off := c.target(now) - (c.since + passed); {
		case off > beatStep:
			passed += off
		case off < -beatStop:
			passed = 0
		default:
			passed += min(passed/slewShare, max(-passed/slewShare, off))
		}
	}
	c.at, c.since = max(c.at, now), c.since+passed
	return c.since, true
}

// Due is the beats that have fallen by now and were not told before: from first, n of
// them, at most most. Only the last of what a live camera gets is worth a capture; a
// replay captures all. The rest of more than most is told next time.
func (c *BeatClock) Due(now Instant, most int) (first Beat, n int) {
	since, ok := c.Since(now)
	if !ok || since < 0 {
		return c.next, 0
	}
	end := c.run.BeatAt(since) + 1
	if c.run.Count > 0 {
		end = min(end, c.run.Count)
	}
	if end <= c.next {
		return c.next, 0
	}
	first = c.next
	n = int(min(end-first, Beat(most)))
	c.next += Beat(n)
	return first, n
}

// Skip passes over the beats before b, which a newcomer or a live camera has no picture
// of. It returns how many.
func (c *BeatClock) Skip(b Beat) uint64 {
	if b <= c.next {
		return 0
	}
	n := b - c.next
	c.next = b
	return uint64(n)
}

// NextAt is when the next beat falls by the present mapping, to set a timer; Never after
// the last beat, or before the first heartbeat.
func (c *BeatClock) NextAt() Instant {
	if !c.synced || c.run.Ended(c.next) {
		return Never
	}
	return c.at.Add(max(0, c.run.Offset(c.next)-c.since))
}
