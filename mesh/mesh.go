package mesh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/mesh/membership"
	"ganglion/mesh/membership/overlink"
	"ganglion/mesh/secret"
)

// What the mesh's own parts call these.
type (
	// Kind tells what the payload of a frame is.
	Kind = link.Kind
	// Message is a frame that came from a member.
	Message = link.Message
	// MemberID names a member. The transport proves it.
	MemberID = secret.MemberID
	// Member is what this node knows of a member.
	Member = membership.Member
	// Health is the state of the link to one member.
	Health = link.Health
)

// Mesh is this node's part in the mesh. All methods are safe for concurrent use; the
// handlers are given before [Mesh.Run].
type Mesh struct {
	config Config
	keys   secret.Keys
	log    *slog.Logger

	host    *link.Host
	links   *link.Links
	members *membership.Membership
	finder  *discovery.Discovery
	gossip  *gossiper

	dials   chan MemberID
	seen    atomic.Pointer[view]
	clone   atomic.Pointer[Heard] // the last one heard; nil: none
	company company
	kept    map[MemberID]bool // peers that the host keeps; of tend alone

	mu       sync.Mutex // guards what follows
	started  bool
	onGossip func(from MemberID, payload []byte)
	onLink   func(link.Event)
	onHeard  func(Heard) // not changed any more once started
}

// RouteLogs sends what libp2p and gossipsub log to the logger, all of it as debug.
// Without it they write to standard error. It holds for the whole process; the one who
// starts the process calls it, before the first [New].
func RouteLogs(log *slog.Logger) { link.RouteLogs(log) }

// New returns a mesh whose port is open already and that takes part once it runs.
// Whoever makes it ends it, by the end of [Mesh.Run] or by [Mesh.Close].
func New(config Config, identity secret.Identity, keys secret.Keys, log *slog.Logger) (*Mesh, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	m := &Mesh{config: config, keys: keys, log: log, dials: make(chan MemberID, dialsMax), kept: make(map[MemberID]bool)}
	m.seen.Store(&view{})
	var err error
	if m.host, err = link.New(config.link(), identity, keys, log); err != nil {
		return nil, err
	}
	if err := m.assemble(identity); err != nil {
		return nil, errors.Join(err, m.host.Close())
	}
	m.deny()
	return m, nil
}

// assemble makes the parts on top of the host.
func (m *Mesh) assemble(identity secret.Identity) error {
	var err error
	if m.links, err = link.NewLinks(m.host, link.DefaultLinks(), m.log); err != nil {
		return err
	}
	if m.members, err = membership.New(m.config.membership(), identity, overlink.New(m.host), m.host, m.log); err != nil {
		return err
	}
	on := discovery.OnLibp2p(m.host.Libp2p(), m.identify)
	finds := m.config.discovery(m.keys)
	if m.config.Impairable {
		finds.Cut = m.cut
	}
	if m.finder, err = discovery.New(finds, on, consumer{m}, m.log); err != nil {
		return err
	}
	m.gossip = newGossiper(m.host.Libp2p(), m.admit, m.log)
	return nil
}

// Close ends a mesh that never ran.
func (m *Mesh) Close() error {
	m.mu.Lock()
	started := m.started
	m.started = true
	m.mu.Unlock()
	if started {
		return nil // the end of Run is the end of the mesh
	}
	return m.host.Close()
}

// Abort closes every connection and every port of the host at once, as the death of the
// process would: nothing is announced, and what is queued is lost. Others see connections
// that break, and later a member that is down. The caller ends the context of [Mesh.Run]
// right after, which then has nobody left to tell.
func (m *Mesh) Abort() error {
	if err := m.host.Libp2p().Network().Close(); err != nil {
		return fmt.Errorf("abort mesh: %w", err)
	}
	return nil
}

func (m *Mesh) admit(author MemberID) refusal {
	return admit(m.current(), author, m.host.Connected(author))
}

// admit decides whose gossip is heard.
func admit(now *view, author MemberID, connected bool) refusal {
	switch {
	case now.denied[author]:
		return refusedDenied
	case now.members[author] || connected:
		return ""
	}
	return refusedStranger
}

// Self returns this node's ID.
func (m *Mesh) Self() MemberID { return m.host.Self() }

// Fingerprint names the mesh in public.
func (m *Mesh) Fingerprint() secret.Fingerprint { return m.keys.Fingerprint }

// Addresses returns where members are told to reach this node, sorted.
func (m *Mesh) Addresses() []netip.AddrPort { return m.host.Addresses() }

// Handle has the handler called with the frames of a kind whose payload is at most
// maxBytes, in the order in which a member sent them and at once for several members.
// It must return soon. It is called before [Mesh.Run].
func (m *Mesh) Handle(kind Kind, maxBytes int, handler func(Message)) error {
	return m.links.Handle(kind, maxBytes, handler)
}

// Limit changes how large the payload of a handled kind may be, from the next frame on.
func (m *Mesh) Limit(kind Kind, maxBytes int) error { return m.links.Limit(kind, maxBytes) }

// OnGossip has the handler called, from one goroutine, with what other members gossip.
// The payload may be kept, and must not be changed. While it runs, at most a hundred messages wait; more
// are lost, and counted. It is called before [Mesh.Run].
func (m *Mesh) OnGossip(handler func(from MemberID, payload []byte)) {
	m.before("gossip handler", func() { m.onGossip = handler })
}

// OnLink has the handler called for every framed link that comes up or goes down, one
// at a time and in order. It must not block. It is called before [Mesh.Run].
func (m *Mesh) OnLink(handler func(link.Event)) {
	m.before("link handler", func() { m.onLink = handler })
}

// OnHeard has the handler called, from one goroutine, with what discovery hears. It
// must return soon. It is called before [Mesh.Run].
func (m *Mesh) OnHeard(handler func(Heard)) {
	m.before("discovery handler", func() { m.onHeard = handler })
}

func (m *Mesh) before(what string, set func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.started {
		m.log.Error("handler comes too late and is ignored: give it before run", "handler", what)
		return
	}
	set()
}

// Members returns this node and all other members, those included that were members
// lately, sorted by ID. They must not be changed.
func (m *Mesh) Members() []Member { return m.members.Members() }

// Watch returns a channel that gets a value after each change of [Mesh.Members];
// changes that nobody looked at coalesce. Stop ends it.
func (m *Mesh) Watch() (changed <-chan struct{}, stop func()) { return m.members.Watch() }

// Send queues a frame for a member and returns at once; see [link.Links.Send] for what
// that promises and for its errors.
func (m *Mesh) Send(to MemberID, kind Kind, payload []byte) error {
	return m.links.Send(to, kind, payload)
}

// Request queues a frame for a member and waits for its reply; see
// [link.Links.Request] for its errors. Give it a deadline.
func (m *Mesh) Request(ctx context.Context, to MemberID, kind Kind, payload []byte, maxReplyBytes int) ([]byte, error) {
	return m.links.Request(ctx, to, kind, payload, maxReplyBytes)
}

// Health returns the state of the framed link to a member.
func (m *Mesh) Health(p MemberID) Health { return m.links.Health(p) }

// Up tells whether the framed link to a member is up.
func (m *Mesh) Up(p MemberID) bool { return m.links.Up(p) }

// Flush returns when every frame that was queued before has been acknowledged, or its
// link is down. The error is the context's.
func (m *Mesh) Flush(ctx context.Context) error { return m.links.Flush(ctx) }

// SetRecord changes what this node says of itself, at most
// [membership.PayloadBytesMax]. Of several changes in a row others may hear of the last
// alone.
func (m *Mesh) SetRecord(payload []byte) error { return m.members.SetPayload(payload) }

// SetClaim raises the highest claim counter that this node tells of.
func (m *Mesh) SetClaim(counter uint64) { m.members.SetClaim(counter) }

// HighestClaim returns the highest claim counter that any member has told of.
func (m *Mesh) HighestClaim() uint64 { return m.members.HighestClaim() }

// Settings returns the mesh's settings.
func (m *Mesh) Settings() *membership.Settings { return m.members.Settings() }

// Gossip publishes 1 to [GossipBytesMax] bytes to everyone. The payload is copied, and
// the call does not block. A nil error says that the message is queued: it may get
// lost, so nothing that must not be lost may depend on it. The errors are
// [ErrGossipBusy] and [ErrNotRunning].
func (m *Mesh) Gossip(payload []byte) error { return m.gossip.publish(payload) }

// Impair replaces what is done on purpose to this node's traffic, its discovery's included;
// see [link.Host.Impair].
func (m *Mesh) Impair(i link.Impairment) error { return m.host.Impair(i) }

// cut tells whether the traffic is cut, and when to ask again.
func (m *Mesh) cut() (is bool, again <-chan struct{}) {
	now, replaced := m.host.ImpairmentNow()
	return now.Cut, replaced
}

// Traffic is what passed this node since it was made.
type Traffic struct {
	link.Traffic
	// Beacon is the datagrams of the beacon, without the headers of UDP and IP. What
	// multicast DNS sends is counted nowhere.
	Beacon link.Count
}

// Sub returns what passed between an earlier snapshot of the same mesh and this one.
func (t Traffic) Sub(earlier Traffic) Traffic {
	return Traffic{
		Traffic: t.Traffic.Sub(earlier.Traffic),
		Beacon: link.Count{
			SentBytes:     t.Beacon.SentBytes - earlier.Beacon.SentBytes,
			ReceivedBytes: t.Beacon.ReceivedBytes - earlier.Beacon.ReceivedBytes,
		},
	}
}

// Traffic returns a snapshot. The numbers in it were read one after another while
// bytes went on passing.
func (m *Mesh) Traffic() Traffic {
	t := Traffic{Traffic: m.host.Traffic()}
	for _, lane := range m.finder.Status().Lanes {
		t.Beacon.SentBytes += lane.SentBytes
		t.Beacon.ReceivedBytes += lane.ReceivedBytes
	}
	return t
}

// TrafficOf returns what passed the TCP connections to one member since this node was made.
func (m *Mesh) TrafficOf(p MemberID) link.Count { return m.host.TrafficOf(p) }

// company remembers since when this node has been alone.
type company struct {
	mu   sync.Mutex // guards what follows
	last time.Time  // when there was company, or the start; zero: not started
	ever bool
}

func (c *company) note(now time.Time, has bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if has || c.last.IsZero() {
		c.last = now
	}
	c.ever = c.ever || has
}

func (c *company) alone(now time.Time) (since time.Duration, ever bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.IsZero() {
		return 0, c.ever
	}
	return now.Sub(c.last), c.ever
}

// notConnected wraps an error of a dial that was tried on a hint.
func notConnected(p MemberID, err error) error { return fmt.Errorf("dial candidate %s: %w", p, err) }
