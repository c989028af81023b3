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
	ma "github.com/multiformats/go-multiaddr"
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
	streams        sync.Map      // protocol.ID to *streamCount
	sockets        sync.Map      // socketName to *countedConn, while open
	tcp            *tcp.TcpTransport
}

type streamCount struct{ sent, received, writes, reads atomic.Uint64 }

// socketName tells the open connections apart.
type socketName struct{ local, remote string }

func nameOf(c network.ConnMultiaddrs) socketName {
	return socketName{string(c.LocalMultiaddr().Bytes()), string(c.RemoteMultiaddr().Bytes())}
}

func newMeter() *meter { return &meter{} }

// transport makes the TCP transport. Ports are not shared: two nodes on one machine
// must not listen on the same one unnoticed.
func (m *meter) transport(upgrader transport.Upgrader, resources network.ResourceManager) (*tcp.TcpTransport, error) {
	t, err := tcp.NewTCPTransport(&countingUpgrader{upgrader, m}, resources, nil, tcp.DisableReuseport())
	m.tcp = t
	return t, err
}

// countingUpgrader counts what passes the connections that it upgrades.
type countingUpgrader struct {
	transport.Upgrader
	meter *meter
}

func (u *countingUpgrader) Upgrade(
	ctx context.Context, t transport.Transport, c manet.Conn, dir network.Direction, p peer.ID, scope network.ConnManagementScope,
) (transport.CapableConn, error) {
	return u.Upgrader.Upgrade(ctx, t, u.meter.count(c), dir, p, scope)
}

func (u *countingUpgrader) UpgradeGatedMaListener(t transport.Transport, l transport.GatedMaListener) transport.Listener {
	return u.Upgrader.UpgradeGatedMaListener(t, &countingListener{l, u.meter})
}

type countingListener struct {
	transport.GatedMaListener
	meter *meter
}

func (l *countingListener) Accept() (manet.Conn, network.ConnManagementScope, error) {
	c, scope, err := l.GatedMaListener.Accept()
	if err != nil {
		return c, scope, err
	}
	return l.meter.count(c), scope, nil
}

func (m *meter) count(c manet.Conn) manet.Conn {
	counted := &countedConn{Conn: c, meter: m, name: nameOf(c)}
	m.sockets.Store(counted.name, counted)
	return counted
}

// broken tells whether the connection ended from outside: by the other process, its
// machine or the network.
func (m *meter) broken(c network.ConnMultiaddrs) bool {
	// A closed connection is forgotten by the time that its address comes back.
	counted, ok := m.sockets.LoadAndDelete(nameOf(c))
	if !ok {
		return false
	}
	conn, ok := counted.(*countedConn)
	return ok && conn.failed.Load()
}

// countedConn is a TCP connection that counts, and remembers whether it was closed
// here before it failed.
type countedConn struct {
	manet.Conn
	meter  *meter
	name   socketName
	closed atomic.Bool
	failed atomic.Bool // before it was closed
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.meter.received.Add(uint64(max(n, 0)))
	c.note(err)
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.meter.sent.Add(uint64(max(n, 0)))
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

func (c *countedConn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

func (m *meter) stream(p protocol.ID) *streamCount {
	if c, ok := m.streams.Load(p); ok {
		return c.(*streamCount) //nolint:forcetypeassert // nothing else is stored
	}
	c, _ := m.streams.LoadOrStore(p, &streamCount{})
	return c.(*streamCount) //nolint:forcetypeassert // nothing else is stored
}

// LogSentMessage does nothing: sockets are counted instead.
func (m *meter) LogSentMessage(int64) {}

// LogRecvMessage does nothing: sockets are counted instead.
func (m *meter) LogRecvMessage(int64) {}

// LogSentMessageStream counts a write to a stream.
func (m *meter) LogSentMessageStream(bytes int64, p protocol.ID, _ peer.ID) {
	c := m.stream(p)
	c.sent.Add(uint64(max(bytes, 0))) //nolint:gosec // not negative
	c.writes.Add(1)
}

// LogRecvMessageStream counts a read from a stream.
func (m *meter) LogRecvMessageStream(bytes int64, p protocol.ID, _ peer.ID) {
	c := m.stream(p)
	c.received.Add(uint64(max(bytes, 0))) //nolint:gosec // not negative
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

// handshake connects to an address by the transport alone, so that no watcher hears
// of it. The caller closes the connection.
func (h *Host) handshake(ctx context.Context, m ma.Multiaddr, p peer.ID) (transport.CapableConn, error) {
	ctx, cancel := context.WithTimeout(ctx, h.config.DialTimeout)
	defer cancel()
	return h.meter.tcp.Dial(ctx, m, p)
}
