package wire

import (
	"fmt"

	"ganglion/inference"
	"ganglion/roles"
)

// readNames reads the names of a frame, wherever they stand. Each is checked here, once.
func (d *decoder) readNames(frame []byte) {
	c := cursor{d: d, rest: frame}
	for c.next() {
		if c.num == fieldNames {
			d.addNames(c.message())
		}
	}
}

func (d *decoder) addNames(b []byte) {
	c := d.enter("names", -1, b)
	for c.next() {
		if !d.room(max(len(d.names.peers), len(d.names.sites), len(d.names.models)), maxNames, "names") {
			break
		}
		switch c.num {
		case 1:
			p := roles.Peer(c.text(maxPeerBytes))
			d.check(checkPeer(p))
			d.names.peers = append(d.names.peers, p)
		case 2:
			s := roles.Site(c.text(roles.MaxSiteBytes))
			d.check(s.Validate())
			d.names.sites = append(d.names.sites, s)
		case 4:
			d.names.models = append(d.names.models, c.readModel(len(d.names.models)))
		default: // 3 refers to names that may come behind it
		}
	}
	c = cursor{d: d, rest: b}
	for c.next() {
		if c.num == 3 && d.room(len(d.names.series), maxNames, "series") {
			d.names.series = append(d.names.series, c.readSeries(len(d.names.series)))
		}
	}
	d.leave()
}

func (c *cursor) readModel(i int) (m model) {
	of := c.d.enter("models", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			m.bundle = inference.BundleID(of.hash())
		case 2:
			m.settings = of.uint()
		}
	}
	c.d.leave()
	return m
}

func (c *cursor) readSeries(i int) (s series) {
	of := c.d.enter("series", i, c.message())
	for of.next() {
		switch of.num {
		case 1:
			s.site = of.site()
		case 2:
			s.run = roles.RunID(of.fixed())
		}
	}
	if s.site == "" {
		c.d.failf("no site")
	}
	c.d.leave()
	return s
}

// checkPeer refuses a text that cannot be a member ID: those are of letters and digits, and
// are logged, compared and hashed as they are.
func checkPeer(p roles.Peer) error {
	if len(p) == 0 || len(p) > maxPeerBytes {
		return fmt.Errorf("a peer of %d bytes, it has 1 to %d", len(p), maxPeerBytes)
	}
	for i := range len(p) {
		if p[i] <= ' ' || p[i] > '~' {
			return fmt.Errorf("peer %q: a character that is none of a member ID", string(p))
		}
	}
	return nil
}
