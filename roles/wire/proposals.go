package wire

import (
	"math"
	"math/bits"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/roles"
)

func (e *encoder) proposals(m *roles.Proposals) {
	e.uint(1, uint64(m.Tier))
	e.site(2, m.Site)
	e.uint(3, uint64(m.Group))
	e.role(4, m.Role)
	e.epoch(5, m.Epoch)
	for _, p := range m.Items {
		at := e.open(6)
		e.proposed(p)
		e.close(at)
	}
}

func (e *encoder) proposed(p *roles.Proposed) {
	e.sample(p.Sample)
	e.model(4, p.Bundle, p.Settings)
	if p.Exit != nil {
		e.proposal(5, p.Exit)
	}
	e.uint(6, p.Seen)
	e.uint(7, p.Nothing)
	e.reasons(8, p.Reasons)
	e.optional(9, p.Ref)
	e.optional(10, p.Label)
}

func (e *encoder) proposal(n int, p *inference.Proposal) {
	at := e.open(n)
	e.uint(1, uint64(p.Exit))
	e.uint(2, uint64(p.Group))
	e.uint(3, uint64(p.Seen))
	e.uint(4, uint64(p.Class))
	e.double(5, p.Entropy)
	e.floats(6, p.Scores)
	e.close(at)
}

// reasons are written by view, whatever the order of the map.
func (e *encoder) reasons(n int, of map[int]roles.Reason) {
	if len(of) == 0 {
		return
	}
	for view := range roles.MaxViews {
		if r := of[view]; r != roles.NotMissing {
			at := e.open(n)
			e.uint(1, uint64(view))
			e.uint(2, uint64(r))
			e.close(at)
		}
	}
}

func (c *cursor) proposals() *roles.Proposals {
	m := &roles.Proposals{}
	for c.next() {
		switch c.num {
		case 1:
			m.Tier = c.exit()
		case 2:
			m.Site = c.site()
		case 3:
			m.Group = c.number(c.d.limits.Groups)
		case 4:
			m.Role = c.role()
		case 5:
			m.Epoch = c.epoch()
		case 6:
			if c.d.room(len(m.Items), maxItems, "items") {
				if m.Items == nil {
					m.Items = make([]*roles.Proposed, 0, c.alike(maxItems))
				}
				m.Items = append(m.Items, c.proposed(len(m.Items)))
			}
		}
	}
	c.d.held(m.Role, m.Epoch)
	if m.Tier == topology.ExitNone || m.Tier == topology.ExitCloud && m.Group != 0 {
		c.d.failf("proposals of the exit %s, group %d", m.Tier, m.Group)
	}
	for _, p := range m.Items {
		c.d.ofSite(p.Sample, m.Site)
		if p.Exit != nil && (p.Exit.Exit != m.Tier || p.Exit.Group != m.Group) {
			c.d.failf("a proposal of the exit %s, group %d, among those of %s, group %d", p.Exit.Exit, p.Exit.Group, m.Tier, m.Group)
		}
	}
	c.d.ofSite(roles.SampleID{Site: m.Site}, m.Site)
	return m
}

func (c *cursor) proposed(i int) *roles.Proposed {
	d := c.d
	p := &roles.Proposed{Ref: -1, Label: -1}
	of := d.enter("items", i, c.message())
	for of.next() {
		switch of.num {
		case fieldSeries, fieldBeat, fieldRequest:
			of.sample(&p.Sample)
		case 4:
			m := of.model()
			p.Bundle, p.Settings = m.bundle, m.settings
		case 5:
			exit := of.proposal(-1, "exit", d.limits)
			p.Exit = &exit
		case 6:
			p.Seen = of.uint()
		case 7:
			p.Nothing = of.uint()
		case 8:
			of.addReason(&p.Reasons, d.limits.sources())
		case 9:
			p.Ref = of.number(maxRef)
		case 10:
			p.Label = of.number(d.limits.Classes)
		}
	}
	d.valid(p.Sample)
	d.set("seen", p.Seen, d.limits.Views)
	d.set("nothing", p.Nothing, d.limits.Views)
	if p.Seen&p.Nothing != 0 {
		d.failf("views %#x are seen and have nothing in view", p.Seen&p.Nothing)
	}
	if p.Exit != nil && p.Exit.Seen != bits.OnesCount64(p.Seen) {
		d.failf("exit: rests on %d views, and %#x were seen", p.Exit.Seen, p.Seen)
	}
	d.leave()
	return p
}

// proposal is one that an exit can have made: of an exit that there is, of some views, with
// scores from which class and entropy follow.
func (c *cursor) proposal(i int, name string, l Limits) (p inference.Proposal) {
	d := c.d
	of := d.enter(name, i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			p.Exit = of.exit()
		case 2:
			p.Group = of.number(l.Groups)
		case 3:
			p.Seen = of.number(l.Views + 1)
		case 4:
			p.Class = of.number(l.Classes)
		case 5:
			p.Entropy = math.Float64frombits(of.fixed())
		case 6:
			p.Scores = of.floats(l.Classes)
		}
	}
	switch {
	case p.Exit == topology.ExitNone || p.Exit == topology.ExitCloud && p.Group != 0:
		d.failf("exit %s, group %d", p.Exit, p.Group)
	case p.Seen == 0:
		d.failf("of no view")
	case len(p.Scores) == 0 || p.Class >= len(p.Scores):
		d.failf("class %d of %d", p.Class, len(p.Scores))
	case !(p.Entropy >= 0 && p.Entropy <= 1): // NaN is refused, too
		d.failf("entropy %v is not in [0, 1]", p.Entropy)
	}
	d.leave()
	return p
}

// addReason reads why one view, or group, is missing.
func (c *cursor) addReason(to *map[int]roles.Reason, sources int) {
	var view int
	var reason roles.Reason
	of := c.d.enter("reasons", len(*to), c.message())
	for of.next() {
		switch of.num {
		case 1:
			view = of.number(sources)
		case 2:
			reason = of.reason()
		}
	}
	if *to == nil {
		*to = map[int]roles.Reason{}
	}
	if _, twice := (*to)[view]; twice || reason == roles.NotMissing {
		c.d.failf("view %d is told twice, or is not missing", view)
	}
	(*to)[view] = reason
	c.d.leave()
}
