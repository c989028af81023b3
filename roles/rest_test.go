package roles

import (
	"testing"
	"time"
)

// A holder rests when it has had no work for a while, and works again at once.
func TestPace(t *testing.T) {
	p := pace{worked: at(0)}
	now := Instant(0)
	for now = p.next(); now < at(RestAfter); now = p.next() {
		if p.sent(now) {
			t.Fatalf("it rests at %v, %v after work", now, now)
		}
		if got := p.next().Sub(now); got != HeartbeatInterval {
			t.Fatalf("the next heartbeat after %v, want %v", got, HeartbeatInterval)
		}
	}
	if !p.sent(now) {
		t.Fatalf("at %v it does not say that it rests", now)
	}
	if got := p.next().Sub(now); got != RestInterval {
		t.Errorf("at rest the next heartbeat after %v, want %v", got, RestInterval)
	}
	now = now.Add(300 * ms)
	p.work(now)
	if p.next() > now {
		t.Errorf("given work at %v, the next heartbeat at %v", now, p.next())
	}
	if p.sent(now) {
		t.Error("it works and says that it rests")
	}
}

// Who rests is given more time, and none of it counts as a gap of the network; who was
// given work is not.
func TestSilenceAtRest(t *testing.T) {
	var s Silence
	now := Instant(0)
	for range 20 {
		now = now.Add(50 * ms)
		s.Heard(now, false)
	}
	awake := s.Limit()
	for range 5 {
		s.Heard(now, true)
		now = now.Add(RestInterval)
	}
	if got := s.Limit(); got < RestInterval+leastSilence || got > 3*time.Second {
		t.Errorf("at rest silent after %v, want more than an interval and at most 3 s", got)
	}
	s.Rouse(now)
	if got := s.Until().Sub(now); got != awake {
		t.Errorf("given work, silent after %v, want %v as before its rest", got, awake)
	}
	s.Heard(now, true)
	s.Expect(now)
	if got := s.Until().Sub(now); got < RestInterval {
		t.Errorf("after a stall of the listener silent after %v, want more than an interval", got)
	}
	s.Follow(now)
	if got := s.Until().Sub(now); got != awake {
		t.Errorf("a new holder silent after %v, want %v", got, awake)
	}
}

// A mesh without work hardly wakes: what it does for nothing is what a battery pays for. It
// must not cost the roles their holders.
func TestIdleMeshRests(t *testing.T) {
	for seed := range uint64(5) {
		s, err := parseScript("idle", "")
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, seed, &s.set, looseness{})
		w.run(20 * time.Second)
		claims := len(w.claims)
		before := make([]int, len(w.actors))
		for i, n := range w.actors {
			before[i] = n.woke
		}
		const watched = 30
		w.run((20 + watched) * time.Second)
		for i, n := range w.actors {
			if got := (n.woke - before[i]) / watched; got > 9 {
				t.Errorf("seed %d: at rest %s wakes %d times a second", seed, n, got)
			}
		}
		if len(w.claims) != claims {
			t.Errorf("seed %d: roles moved while the mesh rested: %v", seed, w.claims[claims:])
		}
	}
}
