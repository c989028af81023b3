package discovery

import (
	"cmp"
	"slices"
	"time"
)

// maxSeekers bounds the other seekers that are noted.
const maxSeekers = 64

// patience is how many times its listening time a seeker waits in all for others
// to found a mesh. It bounds what a liar on the network can do.
const patience = 4

// hearing is what a node without a token has heard, from which it decides
// whether to found a mesh. It is pure.
type hearing struct {
	self    Instance
	listen  time.Duration
	started time.Time
	meshes  *book
	seekers map[Instance]time.Time // when last heard
}

// verdict is what a seeker does next.
type verdict uint8

const (
	keepListening verdict = iota + 1
	reportMeshes          // there is a mesh: do not found one
	foundMesh
)

func newHearing(self Instance, listen time.Duration, now time.Time) *hearing {
	return &hearing{
		self: self, listen: listen, started: now,
		meshes: newBook(listen), seekers: map[Instance]time.Time{},
	}
}

// seeker notes another node without a token.
func (h *hearing) seeker(now time.Time, id Instance) {
	if _, known := h.seekers[id]; !known && len(h.seekers) >= maxSeekers {
		forget(h.seekers, func(at time.Time) time.Time { return at })
	}
	h.seekers[id] = now
}

// decide returns what to do, and how long that stands if nothing is heard.
//
// A mesh that was heard is reported once the listening time is over, so that
// others beside it are heard too. Of seekers that hear one another the one with
// the smallest instance founds, and the others wait until they hear its mesh,
// or until it has been silent for a listening time.
func (h *hearing) decide(now time.Time) (verdict, time.Duration) {
	elapsed := now.Sub(h.started)
	if elapsed < h.listen {
		return keepListening, h.listen - elapsed
	}
	if len(h.meshes.foreign) > 0 {
		return reportMeshes, 0
	}
	wait := time.Duration(0)
	for id, heard := range h.seekers {
		if id < h.self {
			wait = max(wait, heard.Add(h.listen).Sub(now))
		}
	}
	if wait = min(wait, patience*h.listen-elapsed); wait > 0 {
		return keepListening, wait
	}
	return foundMesh, 0
}

// sortForeigners sorts by silence, then by what tells them apart.
func sortForeigners(list []Foreign) {
	slices.SortFunc(list, func(a, b Foreign) int {
		return cmp.Or(cmp.Compare(a.Silent, b.Silent), cmp.Compare(a.Fingerprint, b.Fingerprint),
			cmp.Compare(a.Version, b.Version), a.Address.Compare(b.Address))
	})
}
