package link

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/prometheus/client_golang/prometheus"
)

// DefaultPort is the TCP port that a host listens on where it is free.
const DefaultPort = 4801

// Config says how a [Host] listens and dials. Start from [DefaultLAN].
type Config struct {
	// Port is the TCP port to listen on; where it is taken any free one is used
	// instead. 0 means any free one at once.
	Port uint16
	// Interfaces names the network interfaces that may carry connections, as the
	// system names them: "lo", "eth0". Empty means all.
	Interfaces []string
	// Advertise tells whether peers are told of one of our addresses. Nil means all.
	// Loopback is told of only where there is nothing else.
	Advertise func(netip.Addr) bool

	// YieldMin and YieldMax bound the time, drawn anew for each dial, for which the
	// peer with the greater ID leaves it to the other to dial first.
	YieldMin, YieldMax time.Duration
	// DialTimeout ends a dial, handshakes included, and the handshakes of a connection
	// that was accepted.
	DialTimeout time.Duration
	// RedialMin and RedialMax bound the pause between two attempts to reach a peer that
	// is kept; it doubles from one to the other.
	RedialMin, RedialMax time.Duration
	// RefreshInterval is how often the machine's addresses are read again.
	RefreshInterval time.Duration

	// Sockets, if not nil, carry the connections in place of the machine's TCP. Interfaces
	// must be empty then.
	Sockets Sockets

	// Impairable allows [Host.Impair]. Connections are wrapped for it only then.
	Impairable bool
	// ImpairSeed makes an impaired host lose the same segments again, connection by
	// connection. 0: drawn.
	ImpairSeed uint64

	// Metrics, if not nil, is where libp2p registers its own metrics. They count for all
	// hosts of a process together.
	Metrics prometheus.Registerer

	// MaxPeers is how many peers may be connected for longer than a moment. Those that
	// are kept count, but are never the ones to go.
	MaxPeers int
}

// DefaultLAN returns the configuration for nodes on one local network.
func DefaultLAN() Config {
	return Config{
		Port:            DefaultPort,
		YieldMin:        300 * time.Millisecond,
		YieldMax:        500 * time.Millisecond,
		DialTimeout:     3 * time.Second,
		RedialMin:       100 * time.Millisecond,
		RedialMax:       5 * time.Second,
		RefreshInterval: 5 * time.Second,
		MaxPeers:        256,
	}
}

// Validate returns every fault of the configuration, joined, or nil.
func (c Config) Validate() error {
	var mixed error
	if c.Sockets != nil && len(c.Interfaces) > 0 {
		mixed = fmt.Errorf("link interfaces are %q, on sockets that are not the machine's: leave them empty", c.Interfaces)
	}
	return errors.Join(
		mixed,
		ordered("yield", c.YieldMin, c.YieldMax),
		ordered("redial", c.RedialMin, c.RedialMax),
		positive("dial timeout", c.DialTimeout),
		positive("redial minimum", c.RedialMin),
		positive("refresh interval", c.RefreshInterval),
		atLeast("peers", c.MaxPeers, 2),
	)
}

// Sizes of frames.
const (
	// headerBytesMax is the most that a frame may hold besides its payload.
	headerBytesMax = 128
	// PayloadBytesMax is the largest payload that any kind may allow.
	PayloadBytesMax = 4 << 20
)

// DefaultProtocol is the libp2p protocol of the links. Another number is another
// language: peers that do not share one cannot talk.
const DefaultProtocol protocol.ID = "/ganglion/link/1"

// LinksConfig says how [Links] queue, acknowledge and measure. Start from
// [DefaultLinks].
type LinksConfig struct {
	// Protocol is the libp2p protocol of the streams. Links of different protocols on
	// one host do not see or delay one another, beyond sharing the connection.
	Protocol protocol.ID
	// QueueBytes bounds what waits to be written to one peer, what is being written
	// included. One frame is always taken when nothing waits.
	QueueBytes int
	// RequestsMax bounds the requests to one peer that wait for their replies.
	RequestsMax int
	// AcknowledgeDelay is how long an acknowledgement waits for a frame to ride on: of two
	// peers that say something ten times a second neither sends a frame for it alone.
	AcknowledgeDelay time.Duration
	// ProbeInterval is the longest time without a measured round trip before a probe is
	// sent to measure one.
	ProbeInterval time.Duration
	// FrameTimeout is how long a frame that has begun may take to arrive, and the first
	// frame of a stream to begin.
	FrameTimeout time.Duration
	// Penalty is how long no new stream is shared with a peer that broke the protocol.
	Penalty time.Duration
	// RoundTrips is how many of the last round trips are kept of each peer: those of the
	// last ten seconds count, and 16 at least.
	RoundTrips int
	// ReportInterval is how often, at most, refused frames of one peer are logged.
	ReportInterval time.Duration
}

// DefaultLinks returns the configuration for links on a local network.
func DefaultLinks() LinksConfig {
	return LinksConfig{
		Protocol:         DefaultProtocol,
		QueueBytes:       1 << 20,
		RequestsMax:      1024,
		AcknowledgeDelay: 110 * time.Millisecond, // a heartbeat and its answer take it along
		ProbeInterval:    2 * time.Second,
		FrameTimeout:     5 * time.Second,
		Penalty:          time.Second,
		RoundTrips:       128,
		ReportInterval:   time.Minute,
	}
}

// Validate returns every fault of the configuration, joined, or nil.
func (c LinksConfig) Validate() error {
	var unnamed error
	if c.Protocol == "" {
		unnamed = errors.New("link protocol is empty: name it like " + string(DefaultProtocol))
	}
	return errors.Join(
		unnamed,
		atLeast("queue bytes", c.QueueBytes, 1),
		atLeast("requests", c.RequestsMax, 1),
		atLeast("round trips", c.RoundTrips, 1),
		positive("acknowledge delay", c.AcknowledgeDelay),
		positive("probe interval", c.ProbeInterval),
		positive("frame timeout", c.FrameTimeout),
		positive("penalty", c.Penalty),
		positive("report interval", c.ReportInterval),
	)
}

func positive(what string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("link %s is %v: it must be above zero", what, d)
	}
	return nil
}

func ordered(what string, low, high time.Duration) error {
	if low < 0 || high < low {
		return fmt.Errorf("link %s bounds are %v and %v: they must be a range from zero up", what, low, high)
	}
	return nil
}

func atLeast(what string, n, least int) error {
	if n < least {
		return fmt.Errorf("link %s is %d: it must be at least %d", what, n, least)
	}
	return nil
}
