package control

import (
	"crypto/sha256"
	"slices"

	"ganglion/proto/controlpb"
)

// The sizes of what a follower remembers.
const (
	recentLines = 1 << 17 // more than the beats of window and what supersedes them
	window      = 1 << 16 // beats below the newest that are waited for
	margin      = 1 << 10 // beats that are asked for again: what superseded them may be missed
	mostHoles   = 1 << 10 // in a run
	mostRuns    = 4       // that are resumed
)

// span is beats from one to the one behind the last.
type span struct{ from, to uint64 }

// beats is which beats of a run a follower has told, or has told to be a gap.
type beats struct {
	run   string
	first uint64 // nothing below is wanted
	told  []span // ascending, not touching; the first begins at first
}

func newBeats(run string, first uint64) *beats {
	return &beats{run: run, first: first, told: []span{{first, first}}}
}

// add notes beats.
func (b *beats) add(s span) {
	s.from = max(s.from, b.first)
	if s.to <= s.from {
		return
	}
	// Those that s touches become one with it.
	i, _ := slices.BinarySearchFunc(b.told, s.from, func(t span, from uint64) int {
		if t.to < from {
			return -1
		}
		return 1
	})
	j := i
	for ; j < len(b.told) && b.told[j].from <= s.to; j++ {
		s.from, s.to = min(s.from, b.told[j].from), max(s.to, b.told[j].to)
	}
	b.told = slices.Replace(b.told, i, j, s)
}

// floor is the first beat that was not told.
func (b *beats) floor() uint64 { return b.told[0].to }

// holes is what of s was not told.
func (b *beats) holes(s span) (out []span) {
	s.from = max(s.from, b.first)
	for _, t := range b.told {
		if s.from >= s.to {
			return out
		}
		if s.from < t.from {
			out = append(out, span{s.from, min(s.to, t.from)})
		}
		s.from = max(s.from, t.to)
	}
	if s.from < s.to {
		out = append(out, s)
	}
	return out
}

// overdue is the holes that are no longer waited for: they are older than the window, or
// too many.
func (b *beats) overdue() []span {
	top := b.told[len(b.told)-1].to
	edge := uint64(0)
	if top > window {
		edge = top - window
	}
	if n := len(b.told); n > mostHoles {
		edge = max(edge, b.told[n-mostHoles].from)
	}
	if b.floor() >= edge {
		return nil
	}
	return b.holes(span{b.first, edge})
}

// resume is the beat from which to ask again.
func (b *beats) resume() uint64 {
	return max(b.first, b.floor()-min(b.floor(), margin))
}

// recent is a set of the last lines.
type recent struct {
	lines map[[16]byte]struct{}
	ring  [][16]byte
	next  int
}

// add notes a line and reports whether it is new.
func (r *recent) add(v *controlpb.Verdict) bool {
	sum := sha256.Sum256([]byte(v.GetSample() + " " + v.GetHash() + " " + v.GetSupersededBy()))
	key := [16]byte(sum[:])
	if _, ok := r.lines[key]; ok {
		return false
	}
	if r.lines == nil {
		r.lines = map[[16]byte]struct{}{}
	}
	if len(r.ring) < recentLines {
		r.ring = append(r.ring, key)
	} else {
		delete(r.lines, r.ring[r.next])
		r.ring[r.next] = key
		r.next = (r.next + 1) % recentLines
	}
	r.lines[key] = struct{}{}
	return true
}

// has reports whether a line was noted.
func (r *recent) has(v *controlpb.Verdict) bool {
	sum := sha256.Sum256([]byte(v.GetSample() + " " + v.GetHash() + " " + v.GetSupersededBy()))
	_, ok := r.lines[[16]byte(sum[:])]
	return ok
}
