package wire

import "ganglion/roles"

func (e *encoder) sealBatch(m *roles.SealBatch) {
	e.numbered(m.Role, m.Epoch, m.Number)
	for _, s := range m.Seals {
		e.bytes(4, s.Bytes)
	}
}

func (c *cursor) sealBatch() *roles.SealBatch {
	m := &roles.SealBatch{}
	for c.next() {
		switch c.num {
		case 1:
			m.Role = c.role()
		case 2:
			m.Epoch = c.epoch()
		case 3:
			m.Number = c.uint()
		case 4:
			if c.d.room(len(m.Seals), maxItems, "seals") {
				if m.Seals == nil {
					m.Seals = make([]*roles.Sealed, 0, c.alike(maxItems))
				}
				m.Seals = append(m.Seals, c.sealed(len(m.Seals)))
			}
		}
	}
	c.d.held(m.Role, m.Epoch)
	return m
}

// sealed reads a verdict and seals it anew from its bytes, of which it keeps a copy: what a
// peer says of a verdict beside its bytes is not believed.
func (c *cursor) sealed(i int) *roles.Sealed {
	d := c.d
	b := c.message()
	of := d.enter("verdict", i, b)
	v := of.verdict()
	d.leave()
	if d.err != nil {
		return nil
	}
	return roles.Seal(v, append([]byte(nil), b...))
}
