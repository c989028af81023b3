package link

import "slices"

// peersCounted is of how many peers without a connection the counts are kept. An identity costs
// a peer nothing: without a bound, whoever is admitted could make this map grow for ever.
const peersCounted = 4096

// peerCount is what passed the connections to one peer.
type peerCount struct {
	ended Count          // of connections that are gone
	open  []*countedConn // one, but for moments
}

func (p *peerCount) total() Count {
	sum := p.ended
	for _, c := range p.open {
		sum = sum.add(c.count())
	}
	return sum
}

// TrafficOf returns what passed the TCP connections to one peer since the host was made, as
// [Traffic] has it for all of them. Handshakes count from the moment at which the peer has
// proved who it is, with what they had taken until then.
func (h *Host) TrafficOf(p Peer) Count {
	h.meter.mu.RLock()
	defer h.meter.mu.RUnlock()
	if c := h.meter.peers[p]; c != nil {
		return c.total()
	}
	return Count{}
}

// attribute has a connection count for a peer, under the lock.
func (m *meter) attribute(c *countedConn, p Peer) {
	of := m.peers[p]
	if of == nil {
		if len(m.peers) >= peersCounted {
			m.forgetPeer()
		}
		of = &peerCount{}
		m.peers[p] = of
	}
	c.peer = p
	of.open = append(of.open, c)
}

// settle keeps what an attributed connection has counted when it is gone, under the lock.
func (m *meter) settle(c *countedConn) {
	of := m.peers[c.peer]
	if of == nil {
		return // it was never attributed
	}
	if i := slices.Index(of.open, c); i >= 0 {
		of.open = slices.Delete(of.open, i, i+1)
		of.ended = of.ended.add(c.count())
	}
}

// forgetPeer forgets some peer without a connection, under the lock.
func (m *meter) forgetPeer() {
	for p, c := range m.peers {
		if len(c.open) == 0 {
			delete(m.peers, p)
			return
		}
	}
}

func (c *countedConn) count() Count { return Count{c.sent.Load(), c.received.Load()} }
