package roles

import (
	"maps"

	"ganglion/inference"
)

// agree takes from what the groups say all that is not of the sample. Of another bundle or other
// settings: some device of the group has missed a change, and its views are missing. Of views that
// the site does not have in that group: who said it has another deployment in mind, or lies.
func (c *Coordinator) agree(w *work) {
	of, _ := w.model()
	for g, p := range w.local {
		if p == nil {
			continue
		}
		if p.model() != of {
			p = p.missed()
		}
		w.local[g] = p.within(c.ofGroupViews(of.Bundle, g))
	}
	for g, p := range w.edges { // sections ask for no threshold: the settings do not matter
		if p != nil && p.Bundle != of.Bundle {
			w.edges[g] = nil
		} else if p != nil {
			w.edges[g] = p.within(c.ofGroupViews(of.Bundle, g))
		}
	}
}

// missed is the proposal with all its views missing.
func (p *Proposed) missed() *Proposed {
	if p.Seen|p.Nothing == 0 && p.Exit == nil {
		return p
	}
	out := *p
	out.Seen, out.Nothing, out.Exit, out.Reasons = 0, 0, nil, maps.Clone(p.Reasons)
	if out.Reasons == nil {
		out.Reasons = map[int]Reason{}
	}
	for v := range each(p.Seen | p.Nothing) {
		out.Reasons[v] = NoBundle
	}
	return &out
}

// answers reports whether what the last tier says is of this sample, by its bundle and its views.
// Its settings do not matter: it asks for no threshold.
func (c *Coordinator) answers(w *work, p *Proposed) bool {
	of, _ := w.model()
	b := c.bundle(w)
	return p.Bundle == of.Bundle && b != nil && p.Seen != 0 && p.Seen&^(b.Topology.AllViews()&c.ofSite()) == 0
}

// ofGroupViews is the views of a group by a bundle, as far as the site has them; any of the site
// where it is not loaded here, and nothing is decided before it is.
func (c *Coordinator) ofGroupViews(bundle inference.BundleID, group int) uint64 {
	b := c.catalog.network(bundle)
	if b == nil {
		return c.ofSite()
	}
	if group >= len(b.Topology.Groups) {
		return 0
	}
	return c.ofSite() & b.Topology.GroupMask(group)
}

// ofSite is the views that the site has, held or not.
func (c *Coordinator) ofSite() uint64 { return 1<<len(c.scene.Views) - 1 }

// within is the proposal as far as it speaks of its own group's views, and of each in one
// way: what else it says would contradict another group's. What it answers stands if it rests on
// these alone.
func (p *Proposed) within(views uint64) *Proposed {
	if (p.Seen|p.Nothing)&^views == 0 && p.Seen&p.Nothing == 0 && !p.excuses(^views|p.Seen|p.Nothing) {
		return p
	}
	out := *p
	out.Seen &= views
	out.Nothing &= views &^ out.Seen
	if out.Seen != p.Seen {
		out.Exit = nil
	}
	out.Reasons = map[int]Reason{}
	for view, r := range p.Reasons {
		if views&^out.Seen&^out.Nothing>>view&1 == 1 {
			out.Reasons[view] = r
		}
	}
	return &out
}

// excuses reports whether it gives a reason why a view of a set is missing.
func (p *Proposed) excuses(views uint64) bool {
	for view := range p.Reasons {
		if views>>view&1 == 1 {
			return true
		}
	}
	return false
}
