package link

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	securityID = noise.ID
	muxerID    = yamux.ID
)

// newSecurity has the form in which libp2p wants it.
var newSecurity = noise.New

// newMuxer returns yamux as libp2p has it, with smaller windows: what a peer can
// make this host buffer of one stream. On a local network they cost no throughput.
func newMuxer() *yamux.Transport {
	const window = 1 << 20
	muxer := *yamux.DefaultTransport
	muxer.MaxStreamWindowSize = window
	return &muxer
}

// meter counts the bytes of a host: at the TCP sockets, handshakes and all, and at the
// streams, by protocol. It is libp2p's metrics.Reporter, and wraps the connections
// of its transport. It is safe for concurrent use.
type meter struct {
	sent, received atomic.Uint64 // at the sockets
	tcp            *tcp.TcpTransport
	other          Sockets       // than the machine's; nil: none
	wire           *wire         // nil: it cannot be impaired
	handshake      time.Duration // longest time from a connection to an established one

	mu      sync.RWMutex // guards what follows
	streams map[protocol.ID]*streamCount
	dials   map[*attempt]struct{}       // that are under way
	sockets map[socketName]*countedConn // that are open, or whose end is not yet asked for
	peers   map[Peer]*peerCount
}

type streamCount struct{ sent, received, writes, reads atomic.Uint64 }

// socketName tells the open connections apart.
type socketName struct{ local, remote string }

func nameOf(c network.ConnMultiaddrs) socketName {
	return socketName{string(c.LocalMultiaddr().Bytes()), string(c.RemoteMultiaddr().Bytes())}
}

func newMeter(handshake time.Duration) *meter {
	return &meter{handshake: handshake, streams: make(map[protocol.ID]*streamCount), dials: make(map[*attempt]struct{}), sockets: make(map[socketName]*countedConn), peers: make(map[Peer]*peerCount)}
}

// transport makes the TCP transport. Ports are not shared: two nodes on one machine
// must not listen on the same one unnoticed.
func (m *meter) transport(upgrader transport.Upgrader, resources network.ResourceManager) (transport.Transport, error) {
	counting := &countingUpgrader{upgrader, m}
	options := []tcp.Option{tcp.DisableReuseport()}
	if d := m.dialer(); d != nil {
		options = append(options, dialsFrom(d))
	}
	t, err := tcp.NewTCPTransport(counting, resources, nil, options...)
	m.tcp = t
	if err != nil || m.other == nil {
		return t, err
	}
	return &onSockets{t, m.other, counting}, nil
}

// dialer dials in place of libp2p's; nil: nothing does.
func (m *meter) dialer() dialer {
	var d dialer
	if m.other != nil {
		d = m.other
	}
	if m.wire == nil {
		return d
	}
	if d == nil {
		d = &net.Dialer{}
	}
	return &cutDialer{d, m.wire}
}

// countingUpgrader counts what passes the connections that it upgrades.
type countingUpgrader struct {
	transport.Upgrader
	meter *meter
}

// Upgrade upgrades a connection that this host dialled.
func (u *countingUpgrader) Upgrade(
	ctx context.Context, t transport.Transport, c manet.Conn, dir network.Direction, p peer.ID, scope network.ConnManagementScope,
) (transport.CapableConn, error) {
	u.meter.reached(p)
	return u.Upgrader.Upgrade(ctx, t, u.meter.count(c), dir, p, scope)
}

// UpgradeGatedMaListener upgrades the connections that a listener accepts.
func (u *countingUpgrader) UpgradeGatedMaListener(t transport.Transport, l transport.GatedMaListener) transport.Listener {
	if u.meter.wire != nil {
		l = &cutListener{GatedMaListener: l, wire: u.meter.wire, done: make(chan struct{})}
	}
	return u.Upgrader.UpgradeGatedMaListener(t, &countingListener{l, u.meter})
}

type countingListener struct {
	transport.GatedMaListener
	meter *meter
}

// Accept returns the next connection, counted.
func (l *countingListener) Accept() (manet.Conn, network.ConnManagementScope, error) {
	c, scope, err := l.GatedMaListener.Accept()
	if err != nil {
		return c, scope, err
	}
	return l.meter.count(c), scope, nil
}

func (m *meter) count(c manet.Conn) manet.Conn {
	if m.wire != nil {
		c = m.wire.plugIn(c)
	}
	counted := &countedConn{Conn: c, meter: m, name: nameOf(c)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sockets[counted.name] = counted
	// Whoever connects and says nothing holds a place only for as long.
	counted.hurry = time.AfterFunc(m.handshake, func() { _ = counted.Close() })
	return counted
}

// established notes that the connection is one that peers are told of, so that how it
// ends is remembered until it is asked for, and whose it is.
func (m *meter) established(c network.ConnMultiaddrs, with Peer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if counted, ok := m.sockets[nameOf(c)]; ok {
		counted.established = true
		counted.hurry.Stop()
		m.attribute(counted, with)
	}
}

// broken tells, once, whether an established connection ended from outside: by the
// other process, its machine or the network.
func (m *meter) broken(c network.ConnMultiaddrs) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	counted, ok := m.sockets[nameOf(c)]
	delete(m.sockets, nameOf(c))
	if ok {
		m.settle(counted)
	}
	return !ok || counted.failed.Load() // not there: it ended before it was established
}

// forget lets go of a connection that was closed before it was established.
func (m *meter) forget(c *countedConn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.hurry.Stop()
	if m.sockets[c.name] == c && !c.established {
		delete(m.sockets, c.name)
	}
}

// countedConn is a TCP connection that counts, and remembers whether it was closed
// here before it failed.
type countedConn struct {
	manet.Conn
	meter  *meter
	name   socketName
	closed atomic.Bool
	failed atomic.Bool // before it was closed

	sent, received atomic.Uint64

	// Guarded by the meter's lock:
	hurry       *time.Timer // closes it unless it is established
	established bool
	peer        Peer // empty: not established
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.meter.received.Add(uint64(max(n, 0)))
	c.received.Add(uint64(max(n, 0)))
	c.note(err)
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.meter.sent.Add(uint64(max(n, 0)))
	c.sent.Add(uint64(max(n, 0)))
	c.note(err)
	return n, err
}

// note remembers that the connection failed by itself. A deadline of ours that
// passed is no failure.
func (c *countedConn) note(err error) {
	if err == nil || c.closed.Load() {
		return
	}
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // as package net makes it
		return
	}
	c.failed.Store(true)
}

// Close closes the connection.
func (c *countedConn) Close() error {
	c.closed.Store(true)
	c.meter.forget(c)
	return c.Conn.Close()
}

func (m *meter) stream(p protocol.ID) *streamCount {
	m.mu.RLock()
	c, ok := m.streams[p]
	m.mu.RUnlock()
	if ok {
		return c
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.streams[p] == nil {
		m.streams[p] = &streamCount{}
	}
	return m.streams[p]
}

// LogSentMessage does nothing: sockets are counted instead.
func (m *meter) LogSentMessage(int64) {}

// LogRecvMessage does nothing: sockets are counted instead.
func (m *meter) LogRecvMessage(int64) {}

// LogSentMessageStream counts a write to a stream.
func (m *meter) LogSentMessageStream(bytes int64, p protocol.ID, _ peer.ID) {
	c := m.stream(p)
	c.sent.Add(uint64(max(bytes, 0)))
	c.writes.Add(1)
}

// LogRecvMessageStream counts a read from a stream.
func (m *meter) LogRecvMessageStream(bytes int64, p protocol.ID, _ peer.ID) {
	c := m.stream(p)
	c.received.Add(uint64(max(bytes, 0)))
	c.reads.Add(1)
}

// GetBandwidthForPeer returns nothing: see [Host.Traffic].
func (m *meter) GetBandwidthForPeer(peer.ID) metrics.Stats { return metrics.Stats{} }

// GetBandwidthForProtocol returns nothing: see [Host.Traffic].
func (m *meter) GetBandwidthForProtocol(protocol.ID) metrics.Stats { return metrics.Stats{} }

// GetBandwidthTotals returns nothing: see [Host.Traffic].
func (m *meter) GetBandwidthTotals() metrics.Stats { return metrics.Stats{} }

// GetBandwidthByPeer returns nothing: see [Host.Traffic].
func (m *meter) GetBandwidthByPeer() map[peer.ID]metrics.Stats { return nil }

// GetBandwidthByProtocol returns nothing: see [Host.Traffic].
func (m *meter) GetBandwidthByProtocol() map[protocol.ID]metrics.Stats { return nil }

// Reset does nothing: the counts only grow.
func (m *meter) Reset() {}

// TrimIdle does nothing: there are as many counts as protocols.
func (m *meter) TrimIdle(time.Time) {}
