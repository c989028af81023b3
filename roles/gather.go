package roles

import (
	"math/bits"
	"time"
)

// MaxViews is the largest number of views of a site: a set of views is one word.
const MaxViews = 64

// The times of a gather, on top of the round trip.
const (
	leastWait    = 100 * time.Millisecond
	mostWait     = 150 * time.Millisecond
	waitFactor   = 4 // times the 99th percentile of the device
	missedInARow = 3 // after which a device is asked but not waited for
)

// FeatureWait is how long the tier above waits for the features of a silent device, beyond
// the round trip.
const FeatureWait = 50 * time.Millisecond

// Punctuality is what a gatherer knows of how fast one device speaks. The zero value is a
// device that never spoke: it is waited for.
type Punctuality struct {
	delays Tail          // from the opening of a sample to the frame, less the round trip
	trip   time.Duration // measured last
	missed int           // silences in a row
	noted  Instant       // when the last of them was
	broken bool
}

// RoundTrip sets the measured round trip to the device.
func (p *Punctuality) RoundTrip(d time.Duration) { p.trip = max(0, d) }

// Connected says whether there is a connection to the device. A new one is waited for
// whatever it missed before.
func (p *Punctuality) Connected(yes bool) {
	if yes && p.broken {
		p.missed = 0
	}
	p.broken = !yes
}

// Awaited reports whether a gather waits for the device at all.
func (p *Punctuality) Awaited() bool { return !p.broken && p.missed < missedInARow }

// Patience is how long the device may be silent from the opening of a sample on.
func (p *Punctuality) Patience() time.Duration {
	return p.trip + min(mostWait, max(leastWait, waitFactor*p.delays.P99()))
}

// Spoke notes a frame of a sample that was opened at opened. A device is waited for again
// once it is in time, whether the sample is still gathered or not; late ones do not count,
// or one that is always late would be waited for at every third sample.
func (p *Punctuality) Spoke(now, opened Instant) {
	delay := now.Sub(opened)
	if delay <= p.Patience() {
		p.missed = 0
	}
	p.delays.Add(delay - p.trip)
}

// Missed notes at now that what was opened at opened went on without the device. Of all that
// was waited for in one silence one counts: at 200 samples a second three in a row are missed in
// 15 ms, and who comes a moment later would find none that waits for it.
func (p *Punctuality) Missed(now, opened Instant) {
	if p.missed > 0 && opened < p.noted {
		return
	}
	p.missed, p.noted = min(p.missed+1, missedInARow), now
}

// GatherEnd is what ended a gather, the worst of what happened to it.
type GatherEnd uint8

// The ends.
const (
	AllSpoke   GatherEnd = iota // everyone that was waited for
	LinkBroke                   // the connection to one that was waited for broke
	TimePassed                  // one was silent for too long
	GatherEnds = iota           // how many there are
)

func (e GatherEnd) String() string {
	return [GatherEnds]string{"all spoke", "connection broken", "time passed"}[e]
}

// Gather collects what the sources of one sample say: views, or groups where there is an
// edge tier below. It is done when nobody is waited for.
type Gather struct {
	Opened  Instant
	Spoken  uint64 // sources that spoke, in time or not
	Waiting uint64 // sources that are waited for
	End     GatherEnd
	until   [MaxViews]Instant
}

// NewGather opens a gather of the sources in the set. of says how punctual a source is;
// wait is how long to wait for a silent one beyond its round trip, 0 for as long as
// Punctuality says.
func NewGather(now Instant, sources uint64, wait time.Duration, of func(source int) *Punctuality) *Gather {
	g := &Gather{Opened: now}
	for s := range each(sources) {
		p := of(s)
		if !p.Awaited() {
			continue
		}
		g.Waiting |= 1 << s
		if wait > 0 {
			g.until[s] = now.Add(p.trip + wait)
		} else {
			g.until[s] = now.Add(p.Patience())
		}
	}
	return g
}

// Speak notes that a source spoke; false where it had before.
func (g *Gather) Speak(source int) bool {
	first := g.Spoken>>source&1 == 0
	g.Spoken |= 1 << source
	g.Waiting &^= 1 << source
	return first
}

// GiveUp ends the wait for the sources of a set: their connection broke.
func (g *Gather) GiveUp(sources uint64) {
	if g.Waiting&sources != 0 {
		g.End = max(g.End, LinkBroke)
	}
	g.Waiting &^= sources
}

// Expire ends the wait for sources whose time is up, and returns them.
func (g *Gather) Expire(now Instant) (late uint64) {
	for s := range each(g.Waiting) {
		if now >= g.until[s] {
			late |= 1 << s
		}
	}
	if late != 0 {
		g.End = TimePassed
	}
	g.Waiting &^= late
	return late
}

// Done reports whether nobody is waited for.
func (g *Gather) Done() bool { return g.Waiting == 0 }

// Next is when the first wait ends; Never where nobody is waited for.
func (g *Gather) Next() Instant {
	next := Never
	for s := range each(g.Waiting) {
		next = min(next, g.until[s])
	}
	return next
}

// each ranges over the members of a set, ascending.
func each(set uint64) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for ; set != 0; set &= set - 1 {
			if !yield(bits.TrailingZeros64(set)) {
				return
			}
		}
	}
}

// countOf is the number of members of a set.
func countOf(set uint64) int { return bits.OnesCount64(set) }
