package wire

import "ganglion/roles"

func (e *encoder) heartbeat(m *roles.Heartbeat) {
	e.claim(1, m.Claim)
	e.run(2, m.Run)
	e.duration(3, m.Since)
	e.duration(4, m.Trip)
	e.uint(5, m.Number)
	e.uint(6, uint64(m.Floor))
	e.samples(7, m.Published)
	e.bool(8, m.Resting)
}

func (c *cursor) heartbeat() *roles.Heartbeat {
	m := &roles.Heartbeat{}
	for c.next() {
		switch c.num {
		case 1:
			m.Claim = c.claim(-1)
		case 2:
			m.Run = c.run()
		case 3:
			m.Since = c.duration()
		case 4:
			m.Trip = c.duration()
		case 5:
			m.Number = c.uint()
		case 6:
			m.Floor = c.beat()
		case 7:
			m.Published = c.addSample(m.Published, "published")
		case 8:
			m.Resting = c.bool()
		}
	}
	c.d.held(m.Claim.Role, m.Claim.Epoch)
	return m
}
