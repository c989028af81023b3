package membership

import (
	"errors"
	"log/slog"
	"testing"
	"time"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestJudge: when a report of death is believed, from the design: after 500 ms, or at
// once where our own connection is down too.
func TestJudge(t *testing.T) {
	const debounce = 500 * time.Millisecond
	now := time.Unix(1000, 0)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	tests := []struct {
		name  string
		entry entry
		want  State
	}{
		{"member, connected", entry{present: true, connected: true}, StateAlive},
		{"member that was never connected", entry{present: true}, StateAlive},
		{"member whose connection broke", entry{present: true, broken: true}, StateSuspect},
		{"reported dead just now, connected", entry{connected: true, out: ago(debounce - 1)}, StateSuspect},
		{"reported dead for long, connected", entry{connected: true, out: ago(debounce)}, StateDown},
		{"reported dead just now, not connected", entry{out: ago(1)}, StateDown},
		{"reported dead just now, broken", entry{out: ago(1), broken: true}, StateDown},
		{"never a member", entry{connected: true}, StateDown},
		{"says that it leaves", entry{present: true, connected: true, meta: meta{leaving: true}}, StateLeft},
		{"said that it leaves, and is gone", entry{out: ago(time.Hour), meta: meta{leaving: true}}, StateLeft},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := judge(&tt.entry, now, debounce); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestFalseDeathIsNotShown: what a healing node spreads for a moment must not cost a
// holder its role.
func TestFalseDeathIsNotShown(t *testing.T) {
	identity := testIdentity(t)
	now := time.Unix(1000, 0)
	r := newRoster(500*time.Millisecond, time.Minute, func(MemberID) bool { return true }, func() {})
	if err := r.heard(identity.ID(), testMeta(t, identity, meta{counter: 1}), now); err != nil {
		t.Fatal(err)
	}
	state := func() State {
		members := r.members()
		if len(members) != 1 {
			t.Fatalf("%d members, want 1", len(members))
		}
		return members[0].State
	}
	if got := r.members(); len(got) != 0 {
		t.Fatalf("shown before it joined: %+v", got)
	}
	r.joined(identity.ID(), now)
	r.died(identity.ID(), now)
	if got := state(); got != StateSuspect {
		t.Errorf("reported dead: got %v, want suspect", got)
	}
	r.joined(identity.ID(), now.Add(116*time.Millisecond))
	if next := r.tick(now.Add(time.Second)); !next.IsZero() {
		t.Errorf("alive again: next tick at %v, want none", next)
	}
	if got := state(); got != StateAlive {
		t.Errorf("refuted: got %v, want alive", got)
	}
	r.died(identity.ID(), now)
	next := r.tick(now)
	if want := now.Add(500 * time.Millisecond); !next.Equal(want) {
		t.Fatalf("next tick at %v, want %v", next, want)
	}
	next = r.tick(next)
	if got := state(); got != StateDown {
		t.Errorf("after the debounce: got %v, want down", got)
	}
	r.tick(next)
	if got := r.members(); len(got) != 0 {
		t.Errorf("forgotten, and still shown: %+v", got)
	}
	if absent, _ := r.absent(next, 1); len(absent) != 1 {
		t.Errorf("forgotten, and not joined any more")
	}
}

// TestHeardRefusesReplays: what a member said before it said something else does not
// come back, and two truths of one member are told of.
func TestHeardRefusesReplays(t *testing.T) {
	identity := testIdentity(t)
	id := identity.ID()
	now := time.Unix(1000, 0)
	m := func(m meta) []byte { return testMeta(t, identity, m) }
	tests := []struct {
		name  string
		metas [][]byte // heard one after the other
		want  error    // of the last; nil: it is taken
		clone bool
	}{
		{"again", [][]byte{m(meta{counter: 2}), m(meta{counter: 2})}, nil, false},
		{"newer", [][]byte{m(meta{counter: 2}), m(meta{counter: 3})}, nil, false},
		{"higher claim", [][]byte{m(meta{counter: 2, claim: 4}), m(meta{counter: 2, claim: 5})}, nil, false},
		{"lower claim", [][]byte{m(meta{counter: 2, claim: 5}), m(meta{counter: 2, claim: 4})}, ErrStale, false},
		{"older", [][]byte{m(meta{counter: 3}), m(meta{counter: 2})}, ErrStale, false},
		{"alive after leaving", [][]byte{m(meta{counter: 3, leaving: true}), m(meta{counter: 3})}, ErrStale, false},
		{"new life", [][]byte{m(meta{counter: 3, instance: 1, leaving: true}), m(meta{counter: 4, instance: 2})}, nil, false},
		{"one counter, two records", [][]byte{m(meta{counter: 3, hash: hash{1}}), m(meta{counter: 3, hash: hash{2}})}, nil, true},
		{"one counter, two lives", [][]byte{m(meta{counter: 3, instance: 1}), m(meta{counter: 3, instance: 2})}, nil, true},
		{"a life that comes back", [][]byte{m(meta{counter: 1, instance: 1}), m(meta{counter: 2, instance: 2}), m(meta{counter: 3, instance: 1})}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRoster(time.Second, time.Minute, func(MemberID) bool { return true }, func() {})
			err := error(nil)
			for _, raw := range tt.metas {
				err = r.heard(id, raw, now)
			}
			cloned := (*CloneError)(nil)
			if errors.As(err, &cloned) != tt.clone || !tt.clone && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v, clone %t", err, tt.want, tt.clone)
			}
		})
	}
}

// TestRosterIsBounded: a member that invents others must not fill the memory, and
// members that are there are never forgotten for it.
func TestRosterIsBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	r := newRoster(time.Second, time.Minute, func(MemberID) bool { return false }, func() {})
	real := testIdentity(t)
	if err := r.heard(real.ID(), testMeta(t, real, meta{counter: 1}), now); err != nil {
		t.Fatal(err)
	}
	r.joined(real.ID(), now)
	for i := range MembersMax + 10 {
		if _, err := r.know(MemberID(rune(i+1)), now.Add(time.Duration(i))); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.entries) != MembersMax || len(r.members()) != 1 {
		t.Errorf("%d entries, %d members, want %d and 1", len(r.entries), len(r.members()), MembersMax)
	}
}

// TestCounterNeverRepeats: after a crash the next life's records must outdo all of the
// last one's, or they would be refused as replays.
func TestCounterNeverRepeats(t *testing.T) {
	dir := t.TempDir()
	last := uint64(0)
	for life := range 5 {
		c, err := openCounter(dir)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			next, err := c.above(0)
			if err != nil {
				t.Fatal(err)
			}
			if next <= last {
				t.Fatalf("life %d: counter %d after %d", life, next, last)
			}
			last = next
		}
		if next, err := c.above(last + 5*counterBlock); err != nil || next != last+5*counterBlock+1 {
			t.Fatalf("above a heard one: %d, %v", next, err)
		} else {
			last = next
		}
	}
	c := &counter{}
	if _, err := c.above(counterMax); !errors.Is(err, ErrFull) {
		t.Errorf("above the greatest: %v, want %v", err, ErrFull)
	}
}
