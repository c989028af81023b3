package meshtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// resynAfter is how long TCP waits for the answer to its first SYN; each time it
	// doubles.
	resynAfter = time.Second
	// sendBufferBytes may be under way in one direction of a connection of a [LAN].
	sendBufferBytes = 1 << 20
	// flightBytes is what a sender has under way whom no acknowledgement reaches, before it
	// sends but the first segment again and again: the initial window of RFC 6928.
	flightBytes = 10 * 1460
	// backlogMost connections wait to be accepted by one listener.
	backlogMost = 128
	// firstPort is the first that a dialler gets.
	firstPort = 49152
)

// LAN joins machines, on each of which a whole link.Host runs: it has TCP in memory, where
// [Network] has streams. All methods are safe for concurrent use.
type LAN struct {
	mu       sync.Mutex // guards what follows, and all of the machines and sockets
	random   *rand.Rand
	quality  Quality
	machines []*Machine
	sides    int                // that there have been
	severed  map[oneWay]bool    // what the one sends does not arrive at the other
	wires    map[*wire]struct{} // that neither end has forgotten
}

// oneWay is from one machine to another.
type oneWay struct{ from, to *Machine }

// NewLAN returns a network without machines.
func NewLAN(seed uint64, q Quality) *LAN {
	return &LAN{
		random: rand.New(rand.NewPCG(seed, 1)), quality: q,
		severed: make(map[oneWay]bool), wires: make(map[*wire]struct{}),
	}
}

// Machine is a computer on a [LAN]: it has one address, and sockets. It is a link.Sockets.
type Machine struct {
	lan     *LAN
	address netip.Addr

	// Guarded by the lock of the LAN.
	listeners map[netip.AddrPort]*listener
	port      uint16 // that the last dialler got
	side      int    // machines of different sides do not reach one another
	off       bool
	stalled   time.Time // until when nothing goes in or out
	sent      uint64
}

// Machine adds a machine. It is on, and all others reach it.
func (l *LAN) Machine() *Machine {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.machines) + 1
	m := &Machine{
		lan: l, address: netip.AddrFrom4([4]byte{127, 1, byte(n >> 8), byte(n)}), // none that a machine has by itself
		listeners: make(map[netip.AddrPort]*listener), port: firstPort,
	}
	l.machines = append(l.machines, m)
	return m
}

// SetQuality changes how bytes travel from now on.
func (l *LAN) SetQuality(q Quality) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quality = q
}

// Partition keeps the machines from all others, in both directions, until [LAN.Heal].
func (l *LAN) Partition(machines ...*Machine) {
	l.change(func() {
		l.sides++
		for _, m := range machines {
			m.side = l.sides
		}
	})
}

// Sever lets nothing of what one machine sends arrive at another, until [LAN.Heal]. The
// way back is open: what the other sends arrives, and it does not learn so.
func (l *LAN) Sever(from, to *Machine) {
	l.change(func() { l.severed[oneWay{from, to}] = true })
}

// Heal ends all that Partition and Sever began. What was held arrives when TCP next sends
// it again, which may be as long as it was held.
func (l *LAN) Heal() {
	l.change(func() {
		for _, m := range l.machines {
			m.side = 0
		}
		clear(l.severed)
	})
}

// change changes who reaches whom.
func (l *LAN) change(how func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	how()
	now := time.Now()
	for w := range l.wires {
		w.rerouted(now)
	}
}

// apart tells whether what one machine sends does not arrive at the other.
func (l *LAN) apart(from, to *Machine) bool {
	if from == to {
		return false
	}
	return from.off || to.off || from.side != to.side || l.severed[oneWay{from, to}]
}

// delay draws how long a segment takes.
func (l *LAN) delay(again time.Duration) time.Duration {
	return l.quality.delay(l.random, again)
}

// Addresses returns the one address of the machine.
func (m *Machine) Addresses() []netip.Addr { return []netip.Addr{m.address} }

// SentBytes returns how much the machine has written to its connections to others.
func (m *Machine) SentBytes() uint64 {
	m.lan.mu.Lock()
	defer m.lan.mu.Unlock()
	return m.sent
}

// Stall holds up all that goes in or out of the machine for a while, as if its process had
// been stopped; its timers go on.
func (m *Machine) Stall(d time.Duration) {
	m.lan.mu.Lock()
	defer m.lan.mu.Unlock()
	m.stalled = time.Now().Add(d)
	for w := range m.lan.wires {
		w.wake()
	}
}

// PowerOff ends the machine as a power cut does: its connections to others and what it
// listens on for them fail, and nobody else hears of it.
func (m *Machine) PowerOff() {
	m.lan.change(func() {
		m.off = true
		for at, one := range m.listeners {
			if at.Addr() != self {
				one.close()
			}
		}
		for w := range m.lan.wires {
			if w.ends[0].machine == w.ends[1].machine {
				continue
			}
			for _, s := range w.ends {
				if s.machine == m {
					s.closed, s.broken = true, errKilled
					s.arriving, s.bytes = nil, 0
				}
			}
		}
	})
}

// PowerOn has the machine back. It knows nothing of its connections of before: who sends on
// one of them is told so.
func (m *Machine) PowerOn() {
	m.lan.change(func() { m.off = false })
}

// Listen listens on an address of the machine, or on 127.0.0.1, which the machine alone
// reaches. Port 0 is any free one.
func (m *Machine) Listen(at netip.AddrPort) (net.Listener, error) {
	m.lan.mu.Lock()
	defer m.lan.mu.Unlock()
	if at.Addr() != m.address && at.Addr() != self {
		return nil, fmt.Errorf("listen on %v: the machine has %v", at, m.address)
	}
	if m.off && at.Addr() != self {
		return nil, fmt.Errorf("listen on %v: %w", at, errKilled)
	}
	if at.Port() == 0 {
		at = netip.AddrPortFrom(at.Addr(), m.freePort())
	}
	if m.listeners[at] != nil {
		return nil, fmt.Errorf("listen on %v: it is in use", at)
	}
	one := &listener{machine: m, at: at, signal: newSignal(&m.lan.mu)}
	m.listeners[at] = one
	return one, nil
}

// self is how a machine calls itself.
var self = netip.AddrFrom4([4]byte{127, 0, 0, 1})

func (m *Machine) freePort() uint16 {
	m.port++
	if m.port == 0 {
		m.port = firstPort
	}
	return m.port
}

var errNobody = errors.New("connection refused")

// DialContext connects to an address, which is HOST:PORT.
func (m *Machine) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s: %w", address, err)}
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fail(err)
	}
	for again := resynAfter; ; again *= 2 {
		wait, reached := m.greet(to)
		if !reached {
			wait = again
		}
		if err := pause(ctx, wait); err != nil {
			return fail(err)
		}
		if !reached {
			continue
		}
		near, err := m.connect(to)
		if err == nil {
			return near, nil
		}
		if !errors.Is(err, errLost) {
			return fail(err)
		}
	}
}

// greet tells how long a handshake takes with whoever has an address; false: it leads
// nowhere now.
func (m *Machine) greet(to netip.AddrPort) (time.Duration, bool) {
	l := m.lan
	l.mu.Lock()
	defer l.mu.Unlock()
	other := m.machineAt(to)
	switch {
	case other == nil || l.apart(m, other) || l.apart(other, m):
		return 0, false
	case other == m:
		return 0, true
	}
	return l.delay(resynAfter) + l.delay(resynAfter), true
}

// machineAt is the machine that has an address; nil: none.
func (m *Machine) machineAt(to netip.AddrPort) *Machine {
	if to.Addr() == self {
		return m
	}
	for _, other := range m.lan.machines {
		if other.address == to.Addr() {
			return other
		}
	}
	return nil
}

var errLost = errors.New("no answer")

// connect makes the connection, once the handshake is done.
func (m *Machine) connect(to netip.AddrPort) (net.Conn, error) {
	l := m.lan
	l.mu.Lock()
	defer l.mu.Unlock()
	other := m.machineAt(to)
	switch {
	case m.off && other != m:
		return nil, errKilled
	case other == nil || l.apart(m, other) || l.apart(other, m):
		return nil, errLost
	}
	at := other.listeners[to]
	if at == nil {
		return nil, errNobody
	}
	if len(at.backlog) == backlogMost {
		return nil, errLost
	}
	from := netip.AddrPortFrom(m.address, m.freePort())
	if other == m {
		from = netip.AddrPortFrom(to.Addr(), from.Port())
	}
	near, far := l.connection(m, from, other, to)
	at.backlog = append(at.backlog, far)
	at.wake()
	return near, nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
