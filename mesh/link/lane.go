package link

import (
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// segmentBytes is what one segment of TCP carries on Ethernet.
	segmentBytes = 1448
	// segmentCost is added to each segment's size: what it takes besides its bytes.
	segmentCost = 128
	// laneBytes bounds what a lane holds. One stream has no more under way: it is the
	// window of the multiplexer.
	laneBytes = 1 << 20
	// batchBytes is how much is handed to the socket, or read from it, at once.
	batchBytes = 32 << 10

	// timeoutFirst and timeoutMax are those of TCP's retransmission.
	timeoutFirst = 200 * time.Millisecond
	timeoutMax   = 2 * time.Minute
)

// segment is a part of a stream that is under way.
type segment struct {
	bytes []byte
	at    time.Time     // when it was sent, or came
	stall time.Duration // for how long it is sent again in vain
}

// lane is one direction of an impaired connection: segments in order, none of which
// passes before the one in front of it. It is safe for concurrent use.
type lane struct {
	pushed chan struct{} // holds a token when something was pushed since the reader looked
	popped chan struct{} // holds a token when something was popped since the writer looked

	mu      sync.Mutex // guards what follows
	draw    *rand.Rand
	waiting []segment
	bytes   int       // that they cost
	end     error     // what follows the last segment; nil: more segments
	endAt   time.Time // when the end was sent, or came
	pumped  bool      // a goroutine moves segments between the lane and the socket
}

func newLane(source rand.Source) *lane {
	return &lane{draw: rand.New(source), pushed: make(chan struct{}, 1), popped: make(chan struct{}, 1)}
}

// notify leaves a token for whoever waits, or will.
func notify(token chan<- struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// busy tells whether anything must take its turn in the lane.
func (l *lane) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pumped || len(l.waiting) > 0 || l.end != nil
}

// ended tells whether nothing is pushed any more.
func (l *lane) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end != nil
}

// room tells how many bytes of one piece fit.
func (l *lane) room() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.roomLocked()
}

func (l *lane) roomLocked() int {
	free := laneBytes - l.bytes
	segments := free / (segmentBytes + segmentCost)
	return max(segments*segmentBytes, min(free-segmentCost, segmentBytes), 0)
}

// push copies bytes into the lane, as many as fit, and returns how many. Each segment is
// lost as often as chance wills it.
func (l *lane) push(p []byte, now time.Time, loss float64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	p = p[:min(len(p), l.roomLocked())]
	copied := append([]byte(nil), p...)
	for len(copied) > 0 {
		n := min(len(copied), segmentBytes)
		l.waiting = append(l.waiting, segment{bytes: copied[:n:n], at: now, stall: stall(l.draw, loss)})
		l.bytes += n + segmentCost
		copied = copied[n:]
	}
	if len(p) > 0 {
		notify(l.pushed)
	}
	return len(p)
}

// stall draws for how long a segment is sent again in vain.
func stall(draw *rand.Rand, loss float64) time.Duration {
	if loss == 0 {
		return 0
	}
	total, timeout := time.Duration(0), timeoutFirst
	for total < timeoutMax && draw.Float64() < loss {
		total += timeout
		timeout *= 2
	}
	return min(total, timeoutMax)
}

// finish has the error follow the last segment. The first one stays.
func (l *lane) finish(err error, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end == nil {
		l.end, l.endAt = err, now
	}
	notify(l.pushed)
}

// drop forgets the segments that wait.
func (l *lane) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting, l.bytes = nil, 0
	notify(l.popped)
}

// arrival is what a lane has for its reader.
type arrival struct {
	n    int           // bytes that were copied
	err  error         // with n == 0: the lane's end
	wait time.Duration // with n == 0 and no error: until there is something; 0: not known
	none bool          // nothing waits
}

// peek copies what has arrived, as much as fits, and leaves it there: see pop. Under a
// cut nothing has.
func (l *lane) peek(p []byte, now time.Time, i Impairment) arrival {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i.Cut {
		return arrival{none: len(l.waiting) == 0 && l.end == nil}
	}
	n := 0
	for _, s := range l.waiting {
		if wait := s.due(i).Sub(now); wait > 0 {
			return arrival{n: n, wait: wait}
		}
		n += copy(p[n:], s.bytes)
		if n == len(p) {
			return arrival{n: n}
		}
	}
	if n > 0 || l.end == nil {
		return arrival{n: n, none: n == 0}
	}
	if wait := (segment{at: l.endAt}).due(i).Sub(now); wait > 0 {
		return arrival{wait: wait}
	}
	return arrival{err: l.end}
}

// due is when a segment arrives, while that impairment lasts.
func (s segment) due(i Impairment) time.Time {
	if i.Loss > 0 {
		return s.at.Add(i.Delay/2 + s.stall)
	}
	return s.at.Add(i.Delay / 2)
}

// pop removes bytes that were peeked at.
func (l *lane) pop(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n > 0 && len(l.waiting) > 0 {
		s := &l.waiting[0]
		if n < len(s.bytes) {
			s.bytes = s.bytes[n:]
			l.bytes -= n
			break
		}
		n -= len(s.bytes)
		l.bytes -= len(s.bytes) + segmentCost
		*s = segment{}
		l.waiting = l.waiting[1:]
	}
	if len(l.waiting) == 0 {
		l.waiting = nil
	}
	notify(l.popped)
}

// claim makes the caller start the pump, unless there is one.
func (l *lane) claim() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	claimed := !l.pumped
	l.pumped = true
	return claimed
}

// retire ends the pump's hold of the lane. Where empty is asked for, it does so only if
// nothing waits.
func (l *lane) retire(empty bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if empty && (len(l.waiting) > 0 || l.end != nil) {
		return false
	}
	l.pumped = false
	notify(l.pushed)
	return true
}
