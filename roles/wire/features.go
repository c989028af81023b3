package wire

import (
	"ganglion/inference/topology"
	"ganglion/roles"
)

func (e *encoder) ask(m *roles.Ask) {
	e.role(1, m.Role)
	e.epoch(2, m.Epoch)
	e.uint(3, uint64(m.Tier))
	e.peer(4, m.To)
	e.epoch(5, m.ToEpoch)
	for _, w := range m.Items {
		at := e.open(6)
		e.sample(w.Sample)
		e.uint(4, w.Expect)
		e.close(at)
	}
}

func (c *cursor) ask() *roles.Ask {
	m := &roles.Ask{}
	for c.next() {
		switch c.num {
		case 1:
			m.Role = c.role()
		case 2:
			m.Epoch = c.epoch()
		case 3:
			m.Tier = c.exit()
		case 4:
			m.To = c.peer()
		case 5:
			m.ToEpoch = c.epoch()
		case 6:
			if c.d.room(len(m.Items), maxItems, "items") {
				if m.Items == nil {
					m.Items = make([]roles.Wanted, 0, c.alike(maxItems))
				}
				m.Items = append(m.Items, c.wanted(len(m.Items)))
			}
		}
	}
	c.d.held(m.Role, m.Epoch)
	c.d.above(m.Tier)
	if m.To == "" {
		c.d.failf("features for nobody")
	}
	return m
}

// above refuses a tier that takes no features.
func (d *decoder) above(tier topology.Exit) {
	if tier != topology.ExitEdge && tier != topology.ExitCloud {
		d.failf("features for the exit %s", tier)
	}
}

// sources is how many views or groups there may be.
func (l Limits) sources() int { return max(l.Views, l.Groups) }

func (c *cursor) wanted(i int) (v roles.Wanted) {
	of := c.d.enter("items", i, c.message())
	for of.next() {
		switch of.num {
		case fieldSeries, fieldBeat, fieldRequest:
			of.sample(&v.Sample)
		case 4:
			v.Expect = of.uint()
		}
	}
	c.d.valid(v.Sample)
	c.d.set("expect", v.Expect, c.d.limits.sources())
	c.d.leave()
	return v
}

// exit is one of the exits, or none.
func (c *cursor) exit() topology.Exit { return topology.Exit(c.number(int(topology.ExitCloud) + 1)) }

func (e *encoder) features(m *roles.Features) {
	e.uint(1, uint64(m.Tier))
	e.epoch(2, m.Epoch)
	e.peer(3, m.AnswerTo)
	for i := range m.Items {
		f := &m.Items[i]
		at := e.open(4)
		e.sample(f.Sample)
		e.model(4, f.Bundle, f.Settings)
		e.uint(5, f.Expect)
		e.uint(6, uint64(f.Source))
		e.uint(7, f.Views)
		e.bytes(8, f.Features)
		e.close(at)
	}
}

func (c *cursor) features() *roles.Features {
	m := &roles.Features{}
	for c.next() {
		switch c.num {
		case 1:
			m.Tier = c.exit()
		case 2:
			m.Epoch = c.epoch()
		case 3:
			m.AnswerTo = c.peer()
		case 4:
			if c.d.room(len(m.Items), maxItems, "items") {
				if m.Items == nil {
					m.Items = make([]roles.FeatureItem, 0, c.alike(maxItems))
				}
				m.Items = append(m.Items, c.featureItem(len(m.Items)))
			}
		}
	}
	c.d.above(m.Tier)
	if m.AnswerTo == "" {
		c.d.failf("nobody to answer to")
	}
	return m
}

func (c *cursor) featureItem(i int) (f roles.FeatureItem) {
	d := c.d
	of := d.enter("items", i, c.message())
	for of.next() {
		switch of.num {
		case fieldSeries, fieldBeat, fieldRequest:
			of.sample(&f.Sample)
		case 4:
			m := of.model()
			f.Bundle, f.Settings = m.bundle, m.settings
		case 5:
			f.Expect = of.uint()
		case 6:
			f.Source = of.number(d.limits.sources())
		case 7:
			f.Views = of.uint()
		case 8:
			f.Features = of.bytes(d.limits.FeatureBytes)
		}
	}
	d.valid(f.Sample)
	d.set("expect", f.Expect, d.limits.sources())
	d.set("views", f.Views, d.limits.Views)
	if f.Expect>>f.Source&1 == 0 || f.Views == 0 {
		d.failf("source %d of %#x, with views %#x", f.Source, f.Expect, f.Views)
	}
	d.leave()
	return f
}

func (e *encoder) request(m *roles.Request) {
	e.role(1, m.Role)
	e.epoch(2, m.Epoch)
	at := e.open(3)
	e.capture(&m.Capture)
	e.close(at)
}

func (e *encoder) capture(v *roles.Capture) {
	e.sample(v.Sample)
	e.model(4, v.Bundle, v.Settings)
	e.optional(5, v.Ref)
	for _, in := range v.Inputs {
		at := e.open(6)
		e.uint(1, uint64(in.View))
		e.bytes(2, in.Pixels)
		e.close(at)
	}
}

func (c *cursor) request() *roles.Request {
	m := &roles.Request{}
	for c.next() {
		switch c.num {
		case 1:
			m.Role = c.role()
		case 2:
			m.Epoch = c.epoch()
		case 3:
			m.Capture = c.capture()
		}
	}
	c.d.held(m.Role, m.Epoch)
	c.d.onDemand(m.Sample)
	return m
}

func (d *decoder) onDemand(id roles.SampleID) {
	if d.err == nil && !id.OnDemand() {
		d.failf("sample %s is not on demand", id)
	}
}

func (c *cursor) capture() roles.Capture {
	d := c.d
	v := roles.Capture{Ref: -1}
	var given uint64
	of := d.enter("capture", -1, c.message())
	for of.next() {
		switch of.num {
		case fieldSeries, fieldBeat, fieldRequest:
			of.sample(&v.Sample)
		case 4:
			m := of.model()
			v.Bundle, v.Settings = m.bundle, m.settings
		case 5:
			v.Ref = of.number(maxRef)
		case 6:
			in := of.input(len(v.Inputs))
			if given>>in.View&1 == 1 {
				d.failf("inputs: view %d twice", in.View)
				break
			}
			given |= 1 << in.View
			v.Inputs = append(v.Inputs, in)
		}
	}
	d.valid(v.Sample)
	d.leave()
	return v
}

func (c *cursor) input(i int) (in roles.Input) {
	of := c.d.enter("inputs", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			in.View = of.number(c.d.limits.Views)
		case 2:
			in.Pixels = of.bytes(c.d.limits.FeatureBytes)
		}
	}
	c.d.leave()
	return in
}
