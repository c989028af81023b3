package discovery

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"ganglion/mesh/secret"
)

// air is a network in memory: every broadcast on a subnet is heard by all
// sockets there, a share of all datagrams is lost.
type air struct {
	mu      sync.Mutex
	random  *rand.Rand
	loss    float64
	delay   time.Duration
	sockets []*airSocket
	ports   uint16
	sent    int
}

func newAir(seed uint64, loss float64) *air {
	return &air{random: rand.New(rand.NewPCG(seed, 1)), loss: loss, delay: time.Millisecond, ports: 40000}
}

// airHost is a machine on that network.
type airHost struct {
	air *air
	mu  sync.Mutex
	own []Interface
	bad bool // its interfaces cannot be listed
}

func (h *airHost) interfaces() ([]Interface, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.bad {
		return nil, errors.New("no list")
	}
	return h.own, nil
}

func (h *airHost) set(own ...Interface) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.own, h.bad = own, false
}

func (h *airHost) listen(_ context.Context, at netip.AddrPort, shared bool) (socket, error) {
	h.air.mu.Lock()
	defer h.air.mu.Unlock()
	if at.Port() == 0 {
		h.air.ports++
		at = netip.AddrPortFrom(at.Addr(), h.air.ports)
	}
	for _, s := range h.air.sockets {
		if s.at == at && (!shared || !s.shared) {
			return nil, syscall.EADDRINUSE
		}
	}
	s := &airSocket{air: h.air, at: at, shared: shared, queue: make(chan airDatagram, 1024), closed: make(chan struct{})}
	h.air.sockets = append(h.air.sockets, s)
	return s, nil
}

// sentSoFar returns how many datagrams were sent, by all.
func (a *air) sentSoFar() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent
}

type airDatagram struct {
	data []byte
	from netip.AddrPort
}

type airSocket struct {
	air    *air
	at     netip.AddrPort
	shared bool
	queue  chan airDatagram
	closed chan struct{}
}

func (s *airSocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-s.queue:
		return copy(b, d.data), d.from, nil
	case <-s.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (s *airSocket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	s.air.mu.Lock()
	defer s.air.mu.Unlock()
	s.air.sent++
	for _, other := range s.air.sockets {
		if other.at != to || s.air.random.Float64() < s.air.loss {
			continue
		}
		d := airDatagram{append([]byte(nil), b...), s.at}
		time.AfterFunc(s.air.delay, func() {
			select {
			case other.queue <- d:
			default:
			}
		})
	}
	return len(b), nil
}

func (s *airSocket) Close() error {
	s.air.mu.Lock()
	defer s.air.mu.Unlock()
	for i, other := range s.air.sockets {
		if other == s {
			s.air.sockets = append(s.air.sockets[:i:i], s.air.sockets[i+1:]...)
		}
	}
	close(s.closed)
	return nil
}

// wired is a plain interface; its name is eth0.
func wired(prefix string) Interface {
	return Interface{
		Name: "eth0", Index: 2, Flags: net.FlagUp | net.FlagBroadcast | net.FlagMulticast,
		Prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)},
	}
}

// loopback is a loopback interface as Linux has it.
func loopback() Interface {
	return Interface{
		Name: "lo", Index: 1, Flags: net.FlagUp | net.FlagLoopback,
		Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")},
	}
}

// fakeHost is a Host without connections but those that a test makes.
type fakeHost struct {
	id        peer.ID
	mu        sync.Mutex
	listening []ma.Multiaddr
	connected map[peer.ID]bool
	answers   map[string]peer.ID // by address
	asked     int
}

func newFakeHost(n byte, listening ...string) *fakeHost {
	h := &fakeHost{id: testPeer(n), connected: map[peer.ID]bool{}, answers: map[string]peer.ID{}}
	for _, text := range listening {
		h.listening = append(h.listening, ma.StringCast(text))
	}
	return h
}

func (h *fakeHost) ID() peer.ID { return h.id }

func (h *fakeHost) ListenAddrs() []ma.Multiaddr {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listening
}

func (h *fakeHost) Connected(id peer.ID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.connected[id]
}

func (h *fakeHost) connect(id peer.ID, connected bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connected[id] = connected
}

// listenOn replaces where the host listens.
func (h *fakeHost) listenOn(address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listening = []ma.Multiaddr{ma.StringCast(address)}
}

// timesAsked returns how often Identify was called.
func (h *fakeHost) timesAsked() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

func (h *fakeHost) Identify(_ context.Context, address ma.Multiaddr) (peer.ID, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	if id, ok := h.answers[address.String()]; ok {
		return id, nil
	}
	return "", errors.New("nobody there")
}

// testPeer is the n-th peer ID of the tests.
func testPeer(n byte) peer.ID {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		panic(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		panic(err)
	}
	return id
}

// ear is a Consumer that notes what it is told.
type ear struct {
	mu      sync.Mutex
	found   []Candidate
	foreign []Foreign
	clones  []Clone
	since   time.Time
	when    map[peer.ID]time.Duration // first found
}

func newEar() *ear { return &ear{since: time.Now(), when: map[peer.ID]time.Duration{}} }

func (e *ear) Found(c Candidate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.found = append(e.found, c)
	if _, ok := e.when[c.Peer]; !ok {
		e.when[c.Peer] = time.Since(e.since)
	}
}

func (e *ear) Foreign(f Foreign) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.foreign = append(e.foreign, f)
}

func (e *ear) Cloned(c Clone) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clones = append(e.clones, c)
}

// told returns all that it was told.
func (e *ear) told() (found []Candidate, foreign []Foreign, clones []Clone) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.found), slices.Clone(e.foreign), slices.Clone(e.clones)
}

// firstHeard returns when a peer was first reported, since since; 0: never.
func (e *ear) firstHeard(id peer.ID) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.when[id]
}

// startAnew counts time from now.
func (e *ear) startAnew() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.since = time.Now()
}

// heardOf returns how many reports of a peer there were, and the first.
func (e *ear) heardOf(id peer.ID) (count int, first Candidate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.found {
		if c.Peer == id {
			if count == 0 {
				first = c
			}
			count++
		}
	}
	return count, first
}

// fingerprint and its key are the tests' mesh.
const testMesh secret.Fingerprint = "abcdefgh"

// testConfig is the default of a mesh with this fingerprint, without mDNS.
func testConfig(mesh secret.Fingerprint) Config {
	c := DefaultLAN()
	c.Keys.Fingerprint = mesh
	copy(c.Keys.Beacon[:], "key of "+mesh)
	c.Without = []Way{MDNS}
	return c
}

// discard is a logger for tests that look at no log.
func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// start runs a Discovery on a network of a test until the test, or the function
// that it returns, ends it.
func start(t *testing.T, config Config, e ether, h Host, c Consumer, with ...func(*Discovery)) (*Discovery, func()) {
	t.Helper()
	d, err := New(config, h, c, discard())
	if err != nil {
		t.Fatal(err)
	}
	d.ether = e
	for _, f := range with {
		f(d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v, want the context's error", err)
		}
	})
	t.Cleanup(stop)
	return d, stop
}

// refusing is a machine on which another program holds the beacon's port.
type refusing struct{ *airHost }

func (r refusing) listen(ctx context.Context, at netip.AddrPort, shared bool) (socket, error) {
	if shared {
		return nil, syscall.EADDRINUSE
	}
	return r.airHost.listen(ctx, at, shared)
}
