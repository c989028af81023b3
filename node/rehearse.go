package node

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"connectrpc.com/connect"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// rehearsal is what thresholds would have done to verdicts. The zero value is ready.
type rehearsal struct {
	samples, unknown, changed uint64
	before, after             figures
}

// add tries thresholds on a verdict. What no exit has spoken of tells nothing, and is left out.
//
// What was said is taken as it was: the proposals of every exit that the sample met, whether
// it answered or not. A sample that would have gone up to an exit that it never met has no
// answer: it counts there, with the payload that it would have cost, and nothing is said of
// whether it would have been right. One that stopped early stays as it was where it would
// have gone up: it did, and nobody answered.
func (r *rehearsal) add(p *roles.Published, v *roles.Verdict, top *topology.Topology, t inference.Thresholds) {
	proposals := slices.Concat(v.Answer.Proposals, v.Others)
	if v.Answer.Exit == topology.ExitNone || v.Refused || len(proposals) == 0 {
		return
	}
	r.samples++
	r.before.add(p, v, top)
	i := slices.IndexFunc(proposals, func(q inference.Proposal) bool { return q.Exits(t) })
	if i < 0 && v.StoppedEarly {
		r.after.add(p, v, top)
		return
	}
	out := *v
	out.Others, out.StoppedEarly = nil, false
	if i < 0 {
		r.unknown++
		out.Label = -1
		out.Answer.Exit = next(top, proposals)
		out.Answer.Class = -1
		out.Answer.Proposals = append(proposals, inference.Proposal{Exit: out.Answer.Exit, Seen: bits.OnesCount64(v.Answer.Seen)})
		r.after.add(p, &out, top)
		return
	}
	answer := &proposals[i]
	out.Answer.Exit, out.Answer.Class = answer.Exit, answer.Class
	// Nobody above the exit that answers is asked; its own tier's others are.
	out.Answer.Proposals = slices.DeleteFunc(slices.Clone(proposals), func(q inference.Proposal) bool { return q.Exit > answer.Exit })
	r.after.add(p, &out, top)
	if out.Answer.Class != v.Answer.Class {
		r.changed++
	}
}

// next is the exit above all that a sample met.
func next(top *topology.Topology, met []inference.Proposal) topology.Exit {
	highest := topology.ExitNone
	for i := range met {
		highest = max(highest, met[i].Exit)
	}
	for _, exit := range top.Exits() {
		if exit > highest {
			return exit
		}
	}
	return topology.ExitCloud
}

// message is the rehearsal for programs.
func (r *rehearsal) message() *controlpb.RehearseResponse {
	side := func(f *figures) *controlpb.Rehearsal {
		out := &controlpb.Rehearsal{}
		for i := range f.exits {
			if e := &f.exits[i]; e.count > 0 {
				one := e.message(topology.Exit(i))
				one.Latencies = nil // how long another exit would have taken nobody knows
				out.Exits = append(out.Exits, one)
			}
		}
		for _, n := range f.payload {
			out.PayloadBytes += n
		}
		return out
	}
	return &controlpb.RehearseResponse{
		Samples: r.samples, Unknown: r.unknown, Changed: r.changed, Before: side(&r.before), After: side(&r.after),
	}
}

// rehearse tries thresholds on the surviving verdicts of a bundle among publications.
func rehearse(of []*roles.Published, b *inference.Bundle, t inference.Thresholds) (*controlpb.RehearseResponse, error) {
	lost := map[roles.Hash]bool{}
	for _, p := range of { // a verdict is published before it is known that another stands
		if p.SupersededBy != (roles.Hash{}) {
			lost[p.Sealed.Hash] = true
		}
	}
	counted := make(map[roles.Hash]bool, len(of))
	var r rehearsal
	for _, p := range of {
		if lost[p.Sealed.Hash] || counted[p.Sealed.Hash] {
			continue
		}
		counted[p.Sealed.Hash] = true
		v, err := wire.DecodeVerdict(p.Sealed.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read verdict of %s in the log: %w", p.Sealed.Sample, err)
		}
		if v.Bundle == b.ID() {
			r.add(p, v, b.Topology(), t)
		}
	}
	return r.message(), nil
}

// Rehearse tells what other thresholds would have done to the verdicts of the log. The
// engine is not held up: what is published is never altered.
func (a *api) Rehearse(ctx context.Context, q *controlpb.RehearseRequest) (*controlpb.RehearseResponse, error) {
	var of []*roles.Published
	var b *inference.Bundle
	known := false
	site := a.site(q.GetSite())
	if err := a.inEngine(ctx, func() {
		b = a.plan.current
		if l := a.roles.Log(site); l != nil {
			known, of = true, l.Last(roles.LogVerdicts)
		}
	}); err != nil {
		return nil, err
	}
	if !known {
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("site %.80q is not known here", site))
	}
	t, err := thresholdsOf(q.GetThresholds(), b.Topology())
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("rehearse: %w", err))
	}
	out, err := rehearse(of, b, t)
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	return out, nil
}

// thresholdsOf checks thresholds that came by the API.
func thresholdsOf(m *controlpb.Thresholds, top *topology.Topology) (inference.Thresholds, error) {
	bySeen := map[topology.Exit][]float64{}
	exits := top.Exits()
	for _, e := range m.GetExits() {
		i := slices.IndexFunc(exits[:len(exits)-1], func(exit topology.Exit) bool { return exit.String() == e.GetExit() })
		if i < 0 {
			return inference.Thresholds{}, fmt.Errorf("the model has no exit %.40q with thresholds", e.GetExit())
		}
		if _, twice := bySeen[exits[i]]; twice {
			return inference.Thresholds{}, fmt.Errorf("exit %s is there twice", exits[i])
		}
		bySeen[exits[i]] = e.GetBySeen()
	}
	return inference.NewThresholds(top, bySeen)
}

// errNoExit says that there is nothing to set.
var errNoExit = errors.New("the model answers at its last exit alone: it has no thresholds")

// setThresholds is what the setting of thresholds is to say: its key with the bundle in it, and
// its text as every node writes it. Both are checked against the bundle, which only this node
// may have.
func (a *api) setThresholds(ctx context.Context, id, text string) (key, value string, err error) {
	b, err := a.bundleNamed(ctx, id)
	if err != nil {
		return "", "", err
	}
	key = settingThresholds + b.ID().String()
	if text == "" {
		return key, "", nil
	}
	if len(b.Topology().Exits()) < 2 {
		return "", "", connect.NewError(connect.CodeInvalidArgument, errNoExit)
	}
	t, err := inference.ParseThresholds(text)
	if err == nil {
		err = t.Fit(b.Topology())
	}
	if err != nil {
		return "", "", connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("set %w", err))
	}
	return key, t.String(), nil
}

// bundleNamed is the bundle of an ID that this node has; the one in use where there is no ID.
func (a *api) bundleNamed(ctx context.Context, text string) (b *inference.Bundle, err error) {
	if text == "" {
		err = a.inEngine(ctx, func() { b = a.plan.current })
		return b, err
	}
	id, err := parseBundleID(text)
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	if err := a.inEngine(ctx, func() {
		if one := a.catalog.loaded[id]; one != nil {
			b = one.bundle
		}
	}); err != nil {
		return nil, err
	}
	if b == nil {
		b = a.plan.store.Get(id)
	}
	if b == nil {
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("bundle %s is not here", id.Short()))
	}
	return b, nil
}
