package wire

import (
	"ganglion/roles"
)

func (e *encoder) role(n int, r roles.Role) {
	at := e.open(n)
	e.uint(1, uint64(r.Kind))
	e.site(2, r.Site)
	e.uint(3, uint64(r.Group))
	e.close(at)
}

func (c *cursor) role() (r roles.Role) {
	of := c.d.enter("role", -1, c.message())
	for of.next() {
		switch of.num {
		case 1:
			r.Kind = roles.RoleKind(of.number(1 << 8))
		case 2:
			r.Site = of.site()
		case 3:
			r.Group = of.number(c.d.limits.Groups)
		}
	}
	c.d.leave()
	return r
}

func (e *encoder) epoch(n int, v roles.Epoch) {
	if v.IsZero() {
		return
	}
	at := e.open(n)
	e.uint(1, v.Counter)
	e.peer(2, v.Peer)
	e.close(at)
}

func (c *cursor) epoch() (v roles.Epoch) {
	of := c.d.enter("epoch", -1, c.message())
	for of.next() {
		switch of.num {
		case 1:
			v.Counter = of.uint()
		case 2:
			v.Peer = of.peer()
		}
	}
	c.d.check(v.Validate())
	c.d.leave()
	return v
}

// held checks what a message under a claim says of it.
func (d *decoder) held(r roles.Role, v roles.Epoch) {
	if d.err != nil {
		return
	}
	d.check(r.Validate())
	if v.IsZero() {
		d.failf("no epoch")
	}
}

func (e *encoder) claim(n int, v roles.Claim) {
	at := e.open(n)
	e.role(1, v.Role)
	e.epoch(2, v.Epoch)
	e.bool(3, v.Lonely)
	e.close(at)
}

func (c *cursor) claim(i int) (v roles.Claim) {
	of := c.d.enter("claim", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			v.Role = of.role()
		case 2:
			v.Epoch = of.epoch()
		case 3:
			v.Lonely = of.bool()
		}
	}
	c.d.held(v.Role, v.Epoch)
	c.d.leave()
	return v
}

func (e *encoder) run(n int, r *roles.RunRecord) {
	if r == nil {
		return
	}
	at := e.open(n)
	e.series(fieldSeries, r.Site, r.Run)
	e.epoch(2, r.Starter)
	e.duration(3, r.Period)
	e.uint(4, uint64(r.Count))
	e.hash(5, r.Data)
	if r.Split != "" {
		e.string(6, r.Split)
	}
	for _, entry := range r.Entries {
		of := e.open(7)
		e.uint(1, uint64(entry.From))
		e.model(2, entry.Bundle, entry.Settings)
		e.close(of)
	}
	e.close(at)
}

func (c *cursor) run() *roles.RunRecord {
	d := c.d
	r := &roles.RunRecord{}
	of := d.enter("run", -1, c.message())
	for of.next() {
		switch of.num {
		case fieldSeries:
			s := of.series()
			r.Site, r.Run = s.site, s.run
		case 2:
			r.Starter = of.epoch()
		case 3:
			r.Period = of.duration()
		case 4:
			r.Count = of.beat()
		case 5:
			r.Data = of.hash()
		case 6:
			r.Split = of.text(maxSplitBytes)
		case 7:
			if d.room(len(r.Entries), roles.MaxEntries, "entries") {
				r.Entries = append(r.Entries, of.entry(len(r.Entries)))
			}
		}
	}
	if d.err == nil {
		d.check(r.Validate())
	}
	d.leave()
	return r
}

func (c *cursor) entry(i int) (v roles.Entry) {
	of := c.d.enter("entries", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			v.From = of.beat()
		case 2:
			m := of.model()
			v.Bundle, v.Settings = m.bundle, m.settings
		}
	}
	c.d.leave()
	return v
}

// numbered is what acknowledgements and messages about one claim alone consist of.
type numbered struct {
	role   roles.Role
	epoch  roles.Epoch
	number uint64
}

func (e *encoder) numbered(r roles.Role, v roles.Epoch, number uint64) {
	e.role(1, r)
	e.epoch(2, v)
	e.uint(3, number)
}

func (c *cursor) numbered() (m numbered) {
	for c.next() {
		switch c.num {
		case 1:
			m.role = c.role()
		case 2:
			m.epoch = c.epoch()
		case 3:
			m.number = c.uint()
		}
	}
	c.d.held(m.role, m.epoch)
	return m
}

func (e *encoder) stillHeardAnswer(m *roles.StillHeardAnswer) {
	e.role(1, m.Role)
	e.epoch(2, m.Asked)
	e.bool(3, m.Hears)
	e.epoch(4, m.Promised)
}

func (c *cursor) stillHeardAnswer() *roles.StillHeardAnswer {
	m := &roles.StillHeardAnswer{}
	for c.next() {
		switch c.num {
		case 1:
			m.Role = c.role()
		case 2:
			m.Asked = c.epoch()
		case 3:
			m.Hears = c.bool()
		case 4:
			m.Promised = c.epoch()
		}
	}
	c.d.held(m.Role, m.Asked)
	return m
}

func (e *encoder) claiming(m *roles.Claiming) { e.claim(1, m.Claim) }

func (c *cursor) claiming() *roles.Claiming {
	m := &roles.Claiming{}
	for c.next() {
		if c.num == 1 {
			m.Claim = c.claim(-1)
		}
	}
	c.d.held(m.Claim.Role, m.Claim.Epoch)
	return m
}

func (e *encoder) claimAnswer(m *roles.ClaimAnswer) {
	e.role(1, m.Role)
	e.epoch(2, m.Epoch)
	e.run(3, m.Run)
	e.duration(4, m.Since)
	e.uint(5, uint64(m.Floor))
	for i := range m.Seals {
		at := e.open(6)
		e.epoch(1, m.Seals[i].Claim)
		e.bytes(2, m.Seals[i].Sealed.Bytes)
		e.close(at)
	}
	e.samples(7, m.Unsealed)
	e.bool(8, m.Last)
}

func (c *cursor) claimAnswer() *roles.ClaimAnswer {
	m := &roles.ClaimAnswer{}
	for c.next() {
		switch c.num {
		case 1:
			m.Role = c.role()
		case 2:
			m.Epoch = c.epoch()
		case 3:
			m.Run = c.run()
		case 4:
			m.Since = c.duration()
		case 5:
			m.Floor = c.beat()
		case 6:
			if c.d.room(len(m.Seals), maxItems, "seals") {
				m.Seals = append(m.Seals, c.storedSeal(len(m.Seals)))
			}
		case 7:
			m.Unsealed = c.addSample(m.Unsealed, "unsealed")
		case 8:
			m.Last = c.bool()
		}
	}
	c.d.held(m.Role, m.Epoch)
	return m
}

func (c *cursor) storedSeal(i int) (v roles.StoredSeal) {
	of := c.d.enter("seals", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			v.Claim = of.epoch()
		case 2:
			v.Sealed = of.sealed(-1)
		}
	}
	if v.Claim.IsZero() || v.Sealed == nil {
		c.d.failf("no claim, or no verdict")
	}
	c.d.leave()
	return v
}
