package discovery

import (
	"testing"
	"time"
)

// TestSchedule holds the promise to be quick at first and quiet later.
func TestSchedule(t *testing.T) {
	random := newRandom(1)
	s := schedule{first: 50 * time.Millisecond, steady: 5 * time.Second}
	for round := range 3 {
		total, spoken := time.Duration(0), 0
		for s.gap < s.steady {
			gap := s.next(random)
			if gap < s.gap*3/4 || gap > s.gap*5/4 {
				t.Errorf("gap %v is not within a quarter of %v", gap, s.gap)
			}
			if total += gap; total < time.Second {
				spoken++
			}
		}
		if spoken < 4 {
			t.Errorf("round %d: %d times in the first second, want 4 at least", round, spoken)
		}
		if s.quick() {
			t.Errorf("round %d: still quick at the steady beat", round)
		}
		for range 100 {
			if gap := s.next(random); gap < s.steady*3/4 || gap > s.steady*5/4 {
				t.Errorf("steady gap %v", gap)
			}
		}
		s.hurry()
		if !s.quick() {
			t.Errorf("round %d: not quick after hurry", round)
		}
	}
}

// TestBackoff shows that failures are tried again ever more seldom, not never.
func TestBackoff(t *testing.T) {
	b := backoff{first: time.Second, longest: 10 * time.Second}
	want := []int{1, 2, 4, 8, 10, 10}
	for n, seconds := range want {
		want := time.Duration(seconds) * time.Second
		got := b.next(newRandom(Instance(n)))
		if b.gap != want || got < b.gap*3/4 || got > b.gap*5/4 {
			t.Errorf("wait %d is %v around %v, want around %v", n, got, b.gap, want)
		}
	}
	b.reset()
	if b.next(newRandom(1)); b.gap != time.Second {
		t.Errorf("after a success the wait is around %v, want 1s", b.gap)
	}
}

// TestBucket goes through a bucket of three tokens, one back every second.
func TestBucket(t *testing.T) {
	start := time.Unix(0, 0)
	steps := []struct {
		at   time.Duration
		want bool
	}{
		{0, true},
		{0, true},
		{0, true},
		{0, false},
		{999 * time.Millisecond, false},
		{time.Second, true},
		{time.Second, false},
		{3 * time.Second, true},
		{3 * time.Second, true},
		{3 * time.Second, false},
		{time.Hour, true},
		{time.Hour, true},
		{time.Hour, true},
		{time.Hour, false},
	}
	b := bucket{size: 3, refill: time.Second}
	for n, s := range steps {
		if got := b.take(start.Add(s.at)); got != s.want {
			t.Errorf("step %d at %v: %v, want %v", n, s.at, got, s.want)
		}
	}
	if wait := b.wait(start.Add(time.Hour)); wait != time.Second {
		t.Errorf("the next token comes in %v, want 1s", wait)
	}
}

// TestLimiter shows that a source cannot use up another's share, and that many
// sources cannot use up memory.
func TestLimiter(t *testing.T) {
	start := time.Unix(0, 0)
	l := newLimiter[int](4, 1, time.Second)
	if !l.take(1, start) || l.take(1, start) || !l.take(2, start) {
		t.Error("each source has one token at the start")
	}
	for source := range 1000 {
		l.take(source, start)
	}
	if len(l.sources) != 4 {
		t.Errorf("%d sources are kept, want 4", len(l.sources))
	}
	if l.take(999, start) {
		t.Error("a source without room got a token")
	}
	if !l.take(999, start.Add(time.Second)) {
		t.Error("quiet sources do not make room")
	}
}
