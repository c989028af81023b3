package wire

import "ganglion/roles"

func (e *encoder) scores(m *roles.Scores) {
	e.site(1, m.Site)
	e.uint(2, uint64(m.Group))
	e.epoch(3, m.Epoch)
	e.bool(4, m.Again)
	for _, o := range m.Items {
		at := e.open(5)
		e.observation(o)
		e.close(at)
	}
}

func (e *encoder) observation(o *roles.Observation) {
	e.sample(o.Sample)
	e.model(4, o.Bundle, o.Settings)
	e.optional(5, o.Ref)
	e.optional(6, o.Label)
	for i := range o.Views {
		v := &o.Views[i]
		at := e.open(7)
		e.uint(1, uint64(v.View))
		e.bool(2, v.Seen)
		e.uint(3, uint64(v.Reason))
		e.floats(4, v.Scores)
		e.close(at)
	}
}

func (c *cursor) scores() *roles.Scores {
	m := &roles.Scores{}
	for c.next() {
		switch c.num {
		case 1:
			m.Site = c.site()
		case 2:
			m.Group = c.number(c.d.limits.Groups)
		case 3:
			m.Epoch = c.epoch()
		case 4:
			m.Again = c.bool()
		case 5:
			if c.d.room(len(m.Items), maxItems, "items") {
				if m.Items == nil {
					m.Items = make([]*roles.Observation, 0, c.alike(maxItems))
				}
				m.Items = append(m.Items, c.observation(len(m.Items)))
			}
		}
	}
	for _, o := range m.Items {
		c.d.ofSite(o.Sample, m.Site)
	}
	c.d.ofSite(roles.SampleID{Site: m.Site}, m.Site)
	return m
}

// ofSite refuses a sample that is not of a message's site, and a message without one.
func (d *decoder) ofSite(id roles.SampleID, site roles.Site) {
	if site == "" || id.Site != site {
		d.failf("a sample of site %q in a message of site %q", string(id.Site), string(site))
	}
}

func (c *cursor) observation(i int) *roles.Observation {
	d := c.d
	o := &roles.Observation{Ref: -1, Label: -1}
	of := d.enter("items", i, c.message())
	for of.next() {
		switch of.num {
		case fieldSeries, fieldBeat, fieldRequest:
			of.sample(&o.Sample)
		case 4:
			m := of.model()
			o.Bundle, o.Settings = m.bundle, m.settings
		case 5:
			o.Ref = of.number(maxRef)
		case 6:
			o.Label = of.number(d.limits.Classes)
		case 7:
			if d.room(len(o.Views), d.limits.Views, "views") {
				o.Views = append(o.Views, of.viewResult(len(o.Views)))
			}
		}
	}
	d.valid(o.Sample)
	if len(o.Views) == 0 {
		d.failf("no view")
	}
	for i := 1; i < len(o.Views); i++ {
		if o.Views[i].View <= o.Views[i-1].View {
			d.failf("views: view %d behind view %d", o.Views[i].View, o.Views[i-1].View)
		}
	}
	d.leave()
	return o
}

func (c *cursor) viewResult(i int) (v roles.ViewResult) {
	d := c.d
	of := d.enter("views", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			v.View = of.number(d.limits.Views)
		case 2:
			v.Seen = of.bool()
		case 3:
			v.Reason = of.reason()
		case 4:
			v.Scores = of.floats(d.limits.Classes)
		}
	}
	if v.Seen && v.Reason != roles.NotMissing {
		d.failf("seen, and missing: %s", v.Reason)
	}
	if !v.Seen && v.Scores != nil {
		d.failf("scores of a view that is not seen")
	}
	d.leave()
	return v
}

// reason is why a view is missing.
func (c *cursor) reason() roles.Reason { return roles.Reason(c.number(int(roles.Faulty) + 1)) }
