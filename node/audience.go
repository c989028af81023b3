package node

import (
	"errors"
	"fmt"
	"sync/atomic"

	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// The limits of watching.
const (
	watchersMost = 16 // at once, of all sites
	verdictsMost = 32 // that one answer has whole
)

// errFull says that a node has as many watchers as it may have.
var errFull = fmt.Errorf("%d pages and programs watch this node already: close one of them, or watch another node, which 'ganglion members' names", watchersMost)

// errNoPage says that a node is not to be watched.
var errNoPage = errors.New("the page of this node is switched off: start it without --no-page, or watch another node")

// audience is who watches this node, and what is kept for them: nothing while there is nobody.
// Its stages are the engine's; seats can be taken and given back by any goroutine.
type audience struct {
	engine *engine
	seats  atomic.Int32
	status kept[*controlpb.StatusResponse]
	roster kept[*roster]
	stages map[roles.Site]*stage
	frames frames // of this node's cameras
}

func newAudience(e *engine) audience {
	return audience{engine: e, status: newKept[*controlpb.StatusResponse](), roster: newKept[*roster](), stages: map[roles.Site]*stage{}}
}

// stage is a site that is watched: its verdicts summed up, once for all who watch, and the
// newest of them.
type stage struct {
	watchers int
	sums     figures
	newest   [verdictsMost]showing // the n-th that came, counted from 0, at n modulo its length
	came     uint64
}

// showing is a verdict and, once somebody has asked for it, what is shown of it.
type showing struct {
	published *roles.Published
	shown     *controlpb.Verdict
}

// takeSeat lets one more watch, if there is room.
func (a *audience) takeSeat() error {
	if a.seats.Add(1) > watchersMost {
		a.seats.Add(-1)
		return errFull
	}
	return nil
}

// enter is the stage of a site, for one more watcher.
func (a *audience) enter(site roles.Site) *stage {
	s := a.stages[site]
	if s == nil {
		s = &stage{}
		a.stages[site] = s
	}
	s.watchers++
	return s
}

// leave takes a watcher from a site. The last one takes the stage along.
func (a *audience) leave(site roles.Site) {
	if s := a.stages[site]; s != nil {
		if s.watchers--; s.watchers == 0 {
			delete(a.stages, site)
		}
	}
	if len(a.stages) == 0 {
		a.frames.clear()
	}
}

// saw keeps what a camera of this node saw of a sample, while somebody watches.
func (a *audience) saw(id roles.SampleID, view int, shape topology.Shape, pixels []byte) {
	if len(a.stages) > 0 {
		a.frames.add(frame{of: frameKey{id, view}, shape: shape, pixels: pixels})
	}
}

// logged shows verdicts that are new in a log of this node.
func (a *audience) logged(of []*roles.Published) {
	if len(a.stages) == 0 {
		return
	}
	for _, p := range of {
		s := a.stages[p.Sealed.Sample.Site]
		if s == nil {
			continue
		}
		v, err := wire.DecodeVerdict(p.Sealed.Bytes)
		if err != nil { // it was checked when it came
			a.engine.log.Error("verdict in the log cannot be read", "sample", p.Sealed.Sample.String(), "error", err)
			continue
		}
		var t *topology.Topology
		if b := a.engine.catalog.loaded[v.Bundle]; b != nil {
			t = b.Topology
		}
		s.sums.add(p, v, t)
		s.newest[s.came%verdictsMost] = showing{published: p}
		s.came++
	}
}

// show describes the newest verdicts behind the first n that came, at most so many, the oldest
// first. Who else asks gets the same message, which nobody changes.
func (a *audience) show(s *stage, n uint64, most int) []*controlpb.Verdict {
	n = max(n, s.came-min(s.came, uint64(min(most, verdictsMost))))
	var out []*controlpb.Verdict
	for ; n < s.came; n++ {
		one := &s.newest[n%verdictsMost]
		if one.shown == nil {
			one.shown = a.engine.describe(one.published, false)
		}
		out = append(out, one.shown)
	}
	return out
}
