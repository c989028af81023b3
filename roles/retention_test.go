package roles

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func observationOf(id SampleID, bytes int) *Observation {
	return &Observation{Sample: id, Views: []ViewResult{{Seen: true, Features: make([]byte, bytes)}}}
}

// Fencing, step by step: what a seal or a claim of a given epoch does to a device that
// has heard others.
func TestRetentionFences(t *testing.T) {
	r := NewRetention(1 << 20)
	id := beatOf(3)
	r.Capture(observationOf(id, 128))
	first, second := sealedOf(id, 5, "first"), sealedOf(id, 5, "second")
	steps := []struct {
		name   string
		do     func() bool
		want   bool
		stored *Sealed
		claim  Epoch
	}{
		{"a seal is stored", func() bool { return r.Store(Epoch{4, "h"}, first) }, true, first, Epoch{4, "h"}},
		{"again", func() bool { return r.Store(Epoch{4, "h"}, first) }, true, first, Epoch{4, "h"}},
		{"a lower claim's is refused", func() bool { return r.Store(Epoch{3, "z"}, second) }, false, first, Epoch{4, "h"}},
		{"a higher claim is promised", func() bool { return r.Promise(Epoch{5, "s"}) }, true, first, Epoch{4, "h"}},
		{"the earlier holder is fenced", func() bool { return r.Store(Epoch{4, "h"}, second) }, false, first, Epoch{4, "h"}},
		{"the later one seals anew", func() bool { return r.Store(Epoch{5, "s"}, first) }, true, first, Epoch{5, "s"}},
		{"a lower promise is refused", func() bool { return r.Promise(Epoch{4, "z"}) }, false, first, Epoch{5, "s"}},
	}
	for _, tt := range steps {
		if got := tt.do(); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if s, _ := r.Seal(id); s.Sealed != tt.stored || s.Claim != tt.claim {
			t.Errorf("%s: stored under %v, want %v", tt.name, s.Claim, tt.claim)
		}
	}
	if got := r.Counts(); got.Retained != 0 || got.RetainedBytes != 0 || got.Released != 1 {
		t.Errorf("after the seal %+v is retained, want nothing", got)
	}
}

// Full means refuse the new: never drop the old, and go on once something is released.
func TestRetentionIsFull(t *testing.T) {
	one := observationOf(beatOf(0), 1000).size()
	r := NewRetention(3 * one)
	for b := range Beat(5) {
		if got, want := r.Capture(observationOf(beatOf(b), 1000)), b < 3; got != want {
			t.Errorf("capture %d: %v, want %v", b, got, want)
		}
	}
	if !r.Capture(observationOf(beatOf(0), 1000)) {
		t.Error("what is held already is refused")
	}
	r.Store(Epoch{1, "h"}, sealedOf(beatOf(1), 1, ""))
	if !r.Capture(observationOf(beatOf(5), 1000)) {
		t.Error("after a release there is no room")
	}
	if got, want := r.Counts(), (Counts{Captured: 4, Released: 1, Refused: 2, Stored: 1, Retained: 3, RetainedBytes: 3 * one, Seals: 1}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	for i, want := range []Beat{0, 2, 5} {
		if got := r.Unsealed(0, 10); got[i].Sample.Beat != want {
			t.Errorf("unsealed %d is beat %d, want %d", i, got[i].Sample.Beat, want)
		}
	}
}

// The seals of what is published are forgotten, on demand by name; an observation without
// a seal never is, for it may be the only one.
func TestRetentionForgetsWhatIsFinal(t *testing.T) {
	r := NewRetention(1 << 20)
	for b := range Beat(6) {
		r.Capture(observationOf(beatOf(b), 10))
		if b%2 == 0 {
			r.Store(Epoch{1, "h"}, sealedOf(beatOf(b), 1, ""))
		}
	}
	r.Store(Epoch{1, "h"}, sealedOf(requestOf(8), 1, ""))
	r.Store(Epoch{1, "h"}, sealedOf(requestOf(9), 1, ""))
	r.Final(run7, 4, []SampleID{requestOf(9)})
	var got []SampleID
	for _, s := range r.Seals() {
		got = append(got, s.Sealed.Sample)
	}
	if want := []SampleID{requestOf(8), beatOf(4)}; !slices.Equal(got, want) {
		t.Errorf("seals of %v, want %v", got, want)
	}
	got = nil
	for _, o := range r.Unsealed(0, 10) {
		got = append(got, o.Sample)
	}
	if want := []SampleID{beatOf(1), beatOf(3), beatOf(5)}; !slices.Equal(got, want) {
		t.Errorf("unsealed %v, want %v", got, want)
	}
	if !r.Store(Epoch{1, "h"}, sealedOf(beatOf(1), 1, "")) || len(r.Seals()) != 2 || r.Observation(beatOf(1)) != nil {
		t.Error("a late seal of what is published is refused or kept, or does not release")
	}
}

// Whatever happens in whatever order: never more than the limit, the counts add up, and
// nothing without a seal is gone.
func TestRetentionKeepsWhatIsOpen(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 7))
		const limit = 20_000
		r := NewRetention(limit)
		open := map[SampleID]bool{}
		floor := Beat(0)
		for range 500 {
			id := beatOf(Beat(rng.IntN(200)))
			switch rng.IntN(4) {
			case 0, 1:
				_, sealed := r.Seal(id)
				if r.Capture(observationOf(id, rng.IntN(800))) && !sealed {
					open[id] = true
				}
			case 2:
				epoch := Epoch{1 + uint64(rng.IntN(3)), "h"}
				if r.Store(epoch, sealedOf(id, 1, "")) {
					delete(open, id)
				}
			case 3:
				if rng.IntN(20) == 0 {
					floor = max(floor, id.Beat)
					r.Final(run7, floor, nil)
				}
			}
			for id := range open {
				if r.Observation(id) == nil {
					t.Fatalf("seed %d: %s is open and gone", seed, id)
				}
			}
			c := r.Counts()
			if c.RetainedBytes > limit || c.Retained != len(open) || c.Captured != c.Released+uint64(c.Retained) {
				t.Fatalf("seed %d: %+v, want %d retained within %d bytes", seed, c, len(open), limit)
			}
			if got := len(r.Unsealed(0, 1000)); got != len(open) {
				t.Fatalf("seed %d: %d unsealed, want %d", seed, got, len(open))
			}
		}
	}
}

// Seals are bounded as well, and a full store is no reason for Stale.
func TestRetentionBoundsSeals(t *testing.T) {
	r := NewRetention(1 << 20)
	r.Final(run7, 0, nil)
	claim := Epoch{1, "h"}
	s := sealedOf(beatOf(0), 1, "")
	for b := range Beat(MaxSeals + 10) {
		each := *s
		each.Sample = beatOf(b)
		r.Store(claim, &each)
	}
	if len(r.seals) != MaxSeals || r.Promised() != claim {
		t.Errorf("%d seals, want %d", len(r.seals), MaxSeals)
	}
	r.Final(run7+1, 0, nil)
	if len(r.seals) != otherSeals {
		t.Errorf("%d seals of a run that is over, want %d", len(r.seals), otherSeals)
	}
	for n := range RequestID(otherSeals + 10) {
		r.Store(claim, sealedOf(requestOf(n+1), 1, ""))
	}
	if _, ok := r.Seal(requestOf(1)); ok || len(r.seals) != otherSeals {
		t.Errorf("%d seals with those of requests, want %d, the oldest gone: %v", len(r.seals), otherSeals, !ok)
	}
}

// Who published a verdict may die before anyone else has it in a log: until this node has,
// its seal is kept although the floor has passed the beat, for whoever claims next.
func TestRetentionKeepsWhatIsNotLogged(t *testing.T) {
	r := NewRetention(1 << 20)
	logged := map[SampleID]bool{}
	r.logged = func(id SampleID) bool { return logged[id] }
	claim := Epoch{1, "h"}
	for b := range Beat(3) {
		r.Store(claim, sealedOf(beatOf(b), 1, "x"))
	}
	logged[beatOf(0)] = true
	r.Final(run7, 3, nil)
	if got := r.Seals(); len(got) != 2 || got[0].Sealed.Sample != beatOf(1) {
		t.Fatalf("%d seals are left, want those of beats 1 and 2", len(got))
	}
	logged[beatOf(1)], logged[beatOf(2)] = true, true
	r.Final(run7, 3, nil)
	if got := r.Seals(); len(got) != 0 {
		t.Errorf("%d seals are left once the log has them", len(got))
	}
}
