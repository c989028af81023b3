package membership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ganglion/mesh/secret"
	"ganglion/proto/wirepb"

	"github.com/hashicorp/memberlist"
	"golang.org/x/sync/errgroup"
)

const (
	servingMax = 32               // exchanges of records that are served at once
	newsMax    = 64               // settings made here that wait to be told of
	addressTTL = time.Hour        // of addresses that a record tells
	updateWait = time.Second / 10 // for an update to be under way, before the next
)

// Membership is this node's part in the mesh. All methods are safe for concurrent use.
type Membership struct {
	config   Config
	identity secret.Identity
	network  Network
	book     AddressBook
	log      *slog.Logger

	own      *own
	roster   *roster
	settings *Settings
	faults   *faults
	signals  signals
	trips    trips

	stale   atomic.Uint64
	dropped atomic.Uint64
	started atomic.Bool
	sent    atomic.Pointer[[]byte] // the own meta as memberlist has it

	republish chan struct{} // the own meta is to be signed anew
	tending   chan struct{} // the roster changed
	joinNow   chan struct{} // there may be somebody to join
	news      chan *wirepb.Signed
	serving   chan struct{} // one for each exchange that is served

	list atomic.Pointer[memberlist.Memberlist] // nil: not running yet
}

// New returns a membership that begins with [Membership.Run]. It reads what
// [Config.Dir] holds.
func New(config Config, identity secret.Identity, network Network, book AddressBook, log *slog.Logger) (*Membership, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	c, err := openCounter(config.Dir)
	if err != nil {
		return nil, err
	}
	m := &Membership{
		config: config, identity: identity, network: network, book: book, log: log,
		faults:    newFaults(log),
		republish: make(chan struct{}, 1),
		tending:   make(chan struct{}, 1),
		joinNow:   make(chan struct{}, 1),
		news:      make(chan *wirepb.Signed, newsMax),
		serving:   make(chan struct{}, servingMax),
	}
	m.trips = trips{limit: config.probeTimeout() / 2, log: log}
	m.roster = newRoster(config.Debounce, config.Forget, network.Connected, func() {
		m.signals.raise()
		wake(m.tending)
		wake(m.joinNow)
	})
	if m.own, err = newOwn(identity, rand.Uint64()|1, config.Name, c, book.Addresses()); err != nil {
		return nil, err
	}
	m.settings, err = openSettings(config.Dir, identity, config.CheckSetting, m.tell, log)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Run takes part until ctx is done; then it announces that this node leaves, and
// returns. It is called once.
func (m *Membership) Run(ctx context.Context) error {
	if m.started.Swap(true) {
		return fmt.Errorf("run membership: it has run before: %w", ErrClosed)
	}
	carrier := newTransport(m.network, m.config.StreamTimeout, m.faults, func() { m.dropped.Add(1) })
	list, err := memberlist.Create(m.memberlistConfig(carrier))
	if err != nil {
		return errors.Join(fmt.Errorf("run membership: %w", err), carrier.Shutdown())
	}
	m.list.Store(list)
	server := m.startServing()
	stop := m.network.Watch(func(peer MemberID, up bool) {
		m.roster.connection(peer, up, time.Now())
		if up {
			wake(m.joinNow)
		}
	})
	hurry := context.AfterFunc(ctx, carrier.stopDialing)
	defer hurry()
	group, running := errgroup.WithContext(ctx)
	for _, work := range []func(context.Context) error{m.publish, m.tend, m.rejoin, m.spread} {
		group.Go(func() error { return work(running) })
	}
	err = group.Wait()
	m.leave(list)
	stop()
	server.end()
	return errors.Join(err, list.Shutdown())
}

// leave tells the others, as far as that can be done in time.
func (m *Membership) leave(list *memberlist.Memberlist) {
	m.own.leave()
	if _, err := m.own.sign(); err != nil {
		m.log.Warn("leaving could not be signed", "error", err)
	}
	// One after the other: memberlist drops the update that it has not sent yet.
	if err := list.UpdateNode(m.config.LeaveTimeout / 2); err != nil {
		m.log.Debug("leaving was not announced in time", "error", err)
	}
	if err := list.Leave(m.config.LeaveTimeout / 2); err != nil {
		m.log.Debug("leaving was not announced in time", "error", err)
	}
}

func (m *Membership) memberlistConfig(carrier *transport) *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	c.Name = string(m.identity.ID())
	c.Transport = carrier
	c.RequireNodeNames = true
	c.BindAddr, c.BindPort = nominalIP, nominalPort
	c.AdvertiseAddr, c.AdvertisePort = nominalIP, nominalPort
	c.ProtocolVersion = memberlist.ProtocolVersionMax
	c.EnableCompression = false // packets are small, and what unpacks can be made to burst
	c.TCPTimeout = m.config.StreamTimeout
	c.ProbeInterval = m.config.ProbeInterval
	c.ProbeTimeout = m.config.probeTimeout()
	c.SuspicionMult = m.config.SuspicionMult
	// By its own measure who suspects alone waits six times that for others to agree. In a small
	// mesh nobody may be left to: once in a thousand deaths the last to know took over 8 s.
	c.SuspicionMaxTimeoutMult = 3
	c.GossipInterval = m.config.GossipInterval
	// By its own measure memberlist repeats news so rarely in a small mesh that in every
	// eleventh case somebody misses it, a refutation included.
	c.RetransmitMult = 8
	c.AwarenessMaxMultiplier = 4 // or who is cut off from many takes half a minute to see it
	c.PushPullInterval = m.config.PushPullInterval
	c.DeadNodeReclaimTime = time.Second
	const margin = 96 // for what memberlist does not count
	c.UDPBufferSize = PacketBytesMax - margin
	d := delegate{m}
	c.Delegate, c.Events, c.Alive, c.Merge, c.Conflict, c.Ping = d, d, d, d, d, d
	c.LogOutput = logWriter{m.log}
	return c
}

// Self returns this node's ID.
func (m *Membership) Self() MemberID { return m.identity.ID() }

// Members returns this node and all other members, those included that were members
// lately, sorted by ID.
func (m *Membership) Members() []Member {
	self := m.own.member()
	members := append(m.roster.members(), self)
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return members
}

// Watch returns a channel that gets a value after each change of [Membership.Members];
// changes that nobody looked at coalesce. Stop ends it.
func (m *Membership) Watch() (changed <-chan struct{}, stop func()) { return m.signals.listen() }

// Settings returns the mesh's settings.
func (m *Membership) Settings() *Settings { return m.settings }

// SetPayload changes what this node's record says. The others hear of it soon; of
// several changes in a row they may hear of the last alone.
func (m *Membership) SetPayload(payload []byte) error {
	if err := m.own.setPayload(payload); err != nil {
		return err
	}
	wake(m.republish)
	return nil
}

// SetClaim raises the highest claim counter that this node tells of.
func (m *Membership) SetClaim(claim uint64) {
	m.own.setClaim(claim)
	wake(m.republish)
}

// HighestClaim returns the highest claim counter that any member has told of, this
// node included.
func (m *Membership) HighestClaim() uint64 {
	return max(m.own.member().Claim, m.roster.claim())
}

// Join makes peers known, whose addresses the address book has. They are joined at
// once, and again and again whenever they are no members. It does not block. The
// errors are [ErrDenied] and [ErrFull].
func (m *Membership) Join(peers ...MemberID) error {
	var errs []error
	for _, p := range peers {
		if p == m.identity.ID() {
			continue
		}
		if _, err := p.Peer(); err != nil {
			errs = append(errs, err)
			continue
		}
		_, err := m.roster.know(p, time.Now())
		errs = append(errs, err)
	}
	wake(m.joinNow)
	return errors.Join(errs...)
}

// Deny replaces the list of denied peers. They are no members any more, are not
// joined, and what is said of them is not heard. That they cannot connect is for the
// network to see to.
func (m *Membership) Deny(peers []MemberID) { m.roster.deny(peers, time.Now()) }

// Status says how the membership itself is doing.
type Status struct {
	Refused Refused
	Faults  []Fault // the last of each peer, sorted by it
	// Stale counts news that came late. Some is normal.
	Stale uint64
	// DroppedPackets counts packets that were not sent: the peer was not reached or too
	// slow.
	DroppedPackets uint64
	// Clone is another process that uses this node's identity; nil: none was found.
	Clone *CloneError
	// RoundTrip is the longest of the last minute or two but for a few, which may have met
	// a stall, to RoundTripPeer; zero: none.
	RoundTrip     time.Duration
	RoundTripPeer MemberID
	// HealthScore is memberlist's: 0 is well, more means that this node itself is slow.
	HealthScore int
}

// Status returns how the membership itself is doing.
func (m *Membership) Status() Status {
	s := Status{Stale: m.stale.Load(), DroppedPackets: m.dropped.Load(), Clone: m.own.clone()}
	s.Refused, s.Faults = m.faults.snapshot()
	s.RoundTrip, s.RoundTripPeer = m.trips.worst()
	if list := m.list.Load(); list != nil {
		s.HealthScore = list.GetHealthScore()
	}
	return s
}

// announced notes which meta memberlist has of this node.
func (m *Membership) announced(raw []byte) { m.sent.Store(&raw) }

// pinged notes a round trip.
func (m *Membership) pinged(peer MemberID, roundTrip time.Duration) {
	m.trips.add(peer, roundTrip, time.Now())
}

// server answers exchanges of records until it is ended.
type server struct {
	network Network
	ctx     context.Context //nolint:containedctx // ends with the server
	cancel  context.CancelFunc

	mu      sync.Mutex // guards closed
	closed  bool
	running sync.WaitGroup // Add only where closed is false
}

func (m *Membership) startServing() *server {
	s := &server{network: m.network}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	m.network.Accept(recordsProtocol, func(peer MemberID, stream net.Conn) {
		s.mu.Lock()
		closed := s.closed
		if !closed {
			s.running.Add(1)
		}
		s.mu.Unlock()
		if closed {
			reset(stream)
			return
		}
		defer s.running.Done()
		stop := context.AfterFunc(s.ctx, func() { reset(stream) })
		defer stop()
		m.serve(peer, stream)
	})
	return s
}

func (s *server) end() {
	s.network.Accept(recordsProtocol, nil)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.running.Wait()
}
