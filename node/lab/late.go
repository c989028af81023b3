package lab

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// mostLate is how many frames a switch holds back; what comes beyond that is lost. A second
// of a busy mesh is some ten thousand.
const mostLate = 64 << 10

// lateFrame is a frame, the path that it takes, and when it is to arrive.
type lateFrame struct {
	due      time.Time
	number   uint64 // of all that were held back: equal times keep their order
	from, to int
	data     []byte
}

// lateHeap has the frame that is due first at its root.
type lateHeap []lateFrame

// Len, Less, Swap, Push and Pop are package heap's.
func (h lateHeap) Len() int { return len(h) }

// Less is the order by time, then by number.
func (h lateHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].number < h[j].number
}

// Swap exchanges two.
func (h lateHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push appends one.
func (h *lateHeap) Push(x any) { *h = append(*h, x.(lateFrame)) } //nolint:forcetypeassert,errcheck // hold pushes nothing else

// Pop takes the last.
func (h *lateHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = lateFrame{}
	*h = old[:len(old)-1]
	return last
}

// queue is what waits of one path.
type queue struct {
	frames int
	last   time.Time // when the last of them is due
}

// late holds frames back until they are due. It is safe for concurrent use.
type late struct {
	mu      sync.Mutex // guards what follows
	frames  lateHeap
	last    uint64
	waiting map[[2]int]queue // by path, where something waits
	lost    uint64           // for lack of room
	sooner  chan struct{}    // has something when the first frame has changed
}

func newLate() *late {
	return &late{waiting: map[[2]int]queue{}, sooner: make(chan struct{}, 1)}
}

// hold takes a frame that may not go at once: it is delayed, or others of its path are still
// to come. It copies the data. It returns false for one that may go at once.
func (l *late) hold(now time.Time, from int, f fate, data []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := [2]int{from, f.port}
	q := l.waiting[path]
	if f.delay == 0 && q.frames == 0 {
		return false
	}
	if len(l.frames) >= mostLate {
		l.lost++
		return true
	}
	l.last++
	due := now.Add(f.delay)
	if due.Before(q.last) {
		due = q.last // the delay was longer before: nothing overtakes
	}
	l.waiting[path] = queue{q.frames + 1, due}
	one := lateFrame{due: due, number: l.last, from: from, to: f.port, data: append([]byte(nil), data...)}
	heap.Push(&l.frames, one)
	if l.frames[0].number == one.number {
		select {
		case l.sooner <- struct{}{}:
		default:
		}
	}
	return true
}

// take returns a frame that is due, or else when the first one will be; never: zero.
func (l *late) take(now time.Time) (one lateFrame, ok bool, next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.frames) == 0 {
		return one, false, next
	}
	if first := l.frames[0].due; first.After(now) {
		return one, false, first
	}
	one, ok = heap.Pop(&l.frames).(lateFrame)
	path := [2]int{one.from, one.to}
	if q := l.waiting[path]; q.frames > 1 {
		l.waiting[path] = queue{q.frames - 1, q.last}
	} else {
		delete(l.waiting, path)
	}
	return one, ok, next
}

// run sends frames when they are due, until ctx is done.
func (l *late) run(ctx context.Context, send func(to int, data []byte)) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		one, ok, next := l.take(time.Now())
		if ok {
			send(one.to, one.data)
			continue
		}
		var due <-chan time.Time
		if !next.IsZero() {
			timer.Reset(time.Until(next))
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-due:
		case <-l.sooner:
		}
	}
}
