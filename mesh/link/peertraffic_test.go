package link

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// TestTCPTrafficOfPeers: what a person is shown of a link is what passed it, all of it and at
// both ends the same, and it stays when the connection ends; else a map of the mesh would show
// bytes on the wrong line, or a link that forgets.
func TestTCPTrafficOfPeers(t *testing.T) {
	x, y, z := start(t, options{}), start(t, handles(t, kindEcho, 20_000, echo)), start(t, handles(t, kindEcho, 20_000, echo))
	for _, n := range []*node{y, z} {
		// Of two addresses both may be dialled, and a handshake that loses is nobody's.
		if err := x.AddAddresses(n.Self(), n.Addresses()[:1], time.Hour); err != nil {
			t.Fatal(err)
		}
		await(t, x.Links, n.Self())
	}
	ask := func(of *node, bytesEach int) {
		t.Helper()
		if _, err := x.Request(within(t), of.Self(), kindEcho, bytes.Repeat([]byte{1}, bytesEach), bytesEach); err != nil {
			t.Fatal(err)
		}
	}
	const large, small = 20_000, 10
	for range 10 {
		ask(y, large)
		ask(z, small)
	}
	sum := func() Count { return x.TrafficOf(y.Self()).add(x.TrafficOf(z.Self())) }
	eventually(t, "the peers' counts are the sockets', and each end's the other's", func() bool {
		there, back := x.TrafficOf(y.Self()), y.TrafficOf(x.Self())
		return sum() == x.Traffic().Socket && there.SentBytes == back.ReceivedBytes && there.ReceivedBytes == back.SentBytes
	})
	if to := x.TrafficOf(y.Self()); to.SentBytes < 10*large || to.ReceivedBytes < 10*large {
		t.Errorf("counted %+v of 10 requests of %d bytes and their replies", to, large)
	}
	if to := x.TrafficOf(z.Self()); to.SentBytes > 10*large/2 {
		t.Errorf("counted %+v for a peer that was sent little", to)
	}
	if got := x.TrafficOf("nobody"); got != (Count{}) {
		t.Errorf("counted %+v for nobody", got)
	}

	before := x.TrafficOf(y.Self())
	id, err := y.Self().Peer()
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Libp2p().Network().ClosePeer(id); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection is gone", func() bool {
		x.meter.mu.RLock()
		defer x.meter.mu.RUnlock()
		of := x.meter.peers[y.Self()]
		return of != nil && len(of.open) == 0
	})
	if after := x.TrafficOf(y.Self()); after.SentBytes < before.SentBytes || after.ReceivedBytes < before.ReceivedBytes {
		t.Errorf("counted %+v, and %+v once the connection was gone", before, after)
	}
	ask(y, large)                                                                 // on a new connection
	eventually(t, "what another connection has written is counted", func() bool { // a reply may come before
		return x.TrafficOf(y.Self()).SentBytes >= before.SentBytes+large
	})
}

// TestPeersCountedAreBounded: identities cost nothing, so those that come and go must not be
// kept for ever; who is connected is not forgotten for them.
func TestPeersCountedAreBounded(t *testing.T) {
	m := newMeter(patience)
	staying := &countedConn{meter: m}
	staying.sent.Add(7)
	m.attribute(staying, "staying")
	for n := range 2 * peersCounted {
		c := &countedConn{meter: m}
		c.sent.Add(1)
		m.attribute(c, Peer(fmt.Sprint(n)))
		m.settle(c)
	}
	if n := len(m.peers); n > peersCounted {
		t.Errorf("%d peers are kept, want at most %d", n, peersCounted)
	}
	if got := m.peers["staying"]; got == nil || got.total().SentBytes != 7 {
		t.Errorf("who is connected is counted as %+v", got)
	}
}
