package node

import (
	"ganglion/inference/topology"
	"ganglion/roles"
)

// The bounds of what a node remembers of what its cameras saw, while somebody watches.
const (
	framesMost  = 4096
	framesBytes = 4 << 20
)

// frame is what a view saw of a sample. One of a camera of this node is kept for a while; one that
// is replayed is read again.
type frame struct {
	of       frameKey
	shape    topology.Shape
	pixels   []byte // [channel, row, col]; nobody writes to them
	replayed bool
}

type frameKey struct {
	sample roles.SampleID
	view   int
}

// frames is the last of them. The zero value is ready.
type frames struct {
	kept  []frame // a ring once it is full
	first int     // the oldest
	count int
	bytes int
	at    map[frameKey]int // in kept
}

// add remembers a frame; the oldest make room.
func (f *frames) add(one frame) {
	if f.at == nil {
		f.at = map[frameKey]int{}
		f.kept = make([]frame, framesMost)
	}
	if _, again := f.at[one.of]; again || len(one.pixels) > framesBytes {
		return
	}
	for f.count == framesMost || f.bytes+len(one.pixels) > framesBytes {
		oldest := &f.kept[f.first]
		f.bytes -= len(oldest.pixels)
		delete(f.at, oldest.of)
		*oldest = frame{}
		f.first = (f.first + 1) % framesMost
		f.count--
	}
	place := (f.first + f.count) % framesMost
	f.kept[place], f.at[one.of] = one, place
	f.count++
	f.bytes += len(one.pixels)
}

// find is what was seen; false: it is not here.
func (f *frames) find(k frameKey) (frame, bool) {
	place, ok := f.at[k]
	if !ok {
		return frame{}, false
	}
	return f.kept[place], true
}

// clear forgets all of it.
func (f *frames) clear() { *f = frames{} }
