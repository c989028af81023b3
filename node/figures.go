package node

import (
	"math/bits"
	"time"

	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
	"ganglion/roles"
)

// The buckets of a latency: the first is below latencyUnit, each further one twice as long,
// the last without an end.
const (
	latencyUnit    = 250 * time.Microsecond
	latencyBuckets = 16
)

// latencyBucket is the bucket of a latency; a negative one counts as 0.
func latencyBucket(d time.Duration) int {
	return min(bits.Len64(uint64(max(0, d)/latencyUnit)), latencyBuckets-1)
}

// exitFigures is the verdicts of one exit.
type exitFigures struct {
	count, labelled, right uint64
	latencies              [latencyBuckets]uint64
}

// refusedFigures is the place of refused samples, behind those of the exits.
const refusedFigures = topology.ExitCloud + 1

// figures sums up verdicts, each once. The zero value is ready.
type figures struct {
	exits                                  [refusedFigures + 1]exitFigures
	stoppedEarly, viewsMissing, superseded uint64
	payload                                [roles.Hops]uint64
}

// add counts a publication that is new, and v, which is what it seals. Of one that says that
// its verdict is superseded no more is counted than that: the verdict itself was, unless it
// never stood here. t is the topology of its bundle; nil: it is not loaded here, and what the
// sample cost is not known.
func (f *figures) add(p *roles.Published, v *roles.Verdict, t *topology.Topology) {
	if p.SupersededBy != (roles.Hash{}) {
		f.superseded++
		return
	}
	place := v.Answer.Exit
	if v.Refused || place > topology.ExitCloud {
		place = refusedFigures
	}
	e := &f.exits[place]
	e.count++
	e.latencies[latencyBucket(p.Latency)]++
	if v.Label >= 0 {
		e.labelled++
		if v.Answer.Class == v.Label {
			e.right++
		}
	}
	if v.StoppedEarly {
		f.stoppedEarly++
	}
	if v.Answer.Missing != 0 {
		f.viewsMissing++
	}
	if t != nil {
		for hop, n := range v.HopBytes(t) {
			f.payload[hop] += uint64(n)
		}
	}
}

// news is how many publications were counted.
func (f *figures) news() uint64 {
	n := f.superseded
	for i := range f.exits {
		n += f.exits[i].count
	}
	return n
}

// since is what was counted after an earlier copy of the same figures.
func (f *figures) since(before *figures) figures {
	d := *f
	for i := range d.exits {
		e, b := &d.exits[i], &before.exits[i]
		e.count -= b.count
		e.labelled -= b.labelled
		e.right -= b.right
		for k := range e.latencies {
			e.latencies[k] -= b.latencies[k]
		}
	}
	d.stoppedEarly -= before.stoppedEarly
	d.viewsMissing -= before.viewsMissing
	d.superseded -= before.superseded
	for hop := range d.payload {
		d.payload[hop] -= before.payload[hop]
	}
	return d
}

// message is the figures for programs; over is the time that they cover. It is nil where
// nothing was counted.
func (f *figures) message(over time.Duration) *controlpb.Figures {
	if f.news() == 0 {
		return nil
	}
	out := &controlpb.Figures{
		StoppedEarly: f.stoppedEarly, ViewsMissing: f.viewsMissing, Superseded: f.superseded,
		OverMs: uint32(over.Milliseconds()),
	}
	for i := range f.exits {
		if e := &f.exits[i]; e.count > 0 {
			out.Exits = append(out.Exits, e.message(topology.Exit(i)))
		}
	}
	for hop, n := range f.payload {
		if n > 0 {
			out.PayloadBytes = append(out.PayloadBytes, &controlpb.HopBytes{Hop: roles.Hop(hop).String(), Bytes: n})
		}
	}
	return out
}

func (e *exitFigures) message(exit topology.Exit) *controlpb.ExitFigures {
	name := exitRefused
	if exit < refusedFigures {
		name = exit.String()
	}
	out := &controlpb.ExitFigures{
		Exit: name, Count: e.count, Labelled: e.labelled, Right: e.right, Latencies: make([]uint32, latencyBuckets),
	}
	for i, n := range e.latencies {
		out.Latencies[i] = uint32(n)
	}
	return out
}
