package discovery

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Bounds of what is received.
const (
	inboxDatagrams = 256 // that wait to be taken; more are dropped
	readBurst      = 256 // datagrams that a socket reads at once
	readEvery      = time.Millisecond
)

// heard is a datagram that was judged worth taking.
type heard struct {
	announcement announcement // of a stranger the fingerprint alone
	version      uint8        // of the datagram
	sort         sort
	way          Way
	station      *station       // that heard it; nil by mDNS
	source       netip.AddrPort // not valid by mDNS
}

// lane returns the lane of the station that heard it, zero by mDNS.
func (h heard) lane() lane {
	if h.station == nil {
		return lane{}
	}
	return h.station.lane
}

// radio sends and receives beacons on every lane of the machine. One goroutine
// owns it; readers of its own, one a socket, judge what comes and put it into
// the inbox.
type radio struct {
	ether  ether
	config *Config
	judge  *judge
	ledger *ledger
	log    *slog.Logger
	inbox  chan heard

	used     []Interface
	stations map[lane]*station
}

// station is an open lane. All that it sends comes from its mouth, whose port no
// other socket has: an answer to there reaches this process, while a port that
// several processes share gives a broadcast to all of them but anything else to
// one.
type station struct {
	lane    lane
	mouth   socket
	ear     socket // nil while the beacon's port cannot be had
	done    chan struct{}
	readers sync.WaitGroup
}

// newRadio returns a radio that is silent until it is refreshed.
func newRadio(e ether, config *Config, j *judge, l *ledger, log *slog.Logger) *radio {
	return &radio{
		ether: e, config: config, judge: j, ledger: l, log: log,
		inbox: make(chan heard, inboxDatagrams), stations: map[lane]*station{},
	}
}

// refresh looks at the interfaces, opens the lanes that are new and closes those
// that are gone. It tells whether addresses have changed.
func (r *radio) refresh(ctx context.Context) (changed bool) {
	listed, err := r.ether.interfaces()
	if err != nil {
		r.ledger.listing(err)
		return false
	}
	used, skipped := Select(listed, r.config.Interfaces)
	changed = !sameInterfaces(used, r.used)
	r.used = used
	r.ledger.selected(used, skipped)
	lanes := map[lane]bool{}
	if r.config.uses(Beacon) {
		for _, l := range lanesOf(used) {
			lanes[l] = true
		}
	}
	for l, s := range r.stations {
		if !lanes[l] {
			s.close()
			delete(r.stations, l)
			r.ledger.closed(l)
		}
	}
	for l := range lanes {
		r.open(ctx, l)
	}
	return changed
}

// open opens what is not yet open of a lane. What fails is tried again at the
// next refresh.
func (r *radio) open(ctx context.Context, l lane) {
	s := r.stations[l]
	if s == nil {
		mouth, err := r.ether.listen(ctx, netip.AddrPortFrom(l.network.Addr(), 0), false)
		if err != nil {
			r.cannotSend(l, err)
			return
		}
		s = &station{lane: l, mouth: mouth, done: make(chan struct{})}
		r.stations[l] = s
		s.readers.Go(func() { r.read(s, mouth) })
	}
	if s.ear != nil {
		return
	}
	ear, err := r.ether.listen(ctx, netip.AddrPortFrom(earAddress(l), r.config.Port), true)
	if err != nil {
		if r.ledger.cannotHear(l, err) {
			r.log.Warn("cannot hear beacons on an interface: is the UDP port taken by another program?",
				"interface", l.iface, "address", l.network, "port", r.config.Port, "error", err)
		}
		return
	}
	s.ear = ear
	s.readers.Go(func() { r.read(s, ear) })
	r.ledger.opened(l)
	r.log.Debug("beacon opened", "interface", l.iface, "address", l.network, "broadcast", l.broadcast)
}

// cannotSend notes that a lane cannot send, and logs it when that is new.
func (r *radio) cannotSend(l lane, err error) {
	if r.ledger.cannotSend(l, err) {
		r.log.Warn("cannot send beacons on an interface: does a firewall forbid UDP broadcasts?",
			"interface", l.iface, "address", l.network, "error", err)
	}
}

// read judges what a socket receives until the socket is closed. It reads no
// faster than readEvery on the average: what a flood brings beyond that is
// dropped by the operating system, not by us at the price of a core.
func (r *radio) read(s *station, from socket) {
	pace := bucket{size: readBurst, refill: readEvery}
	buffer := make([]byte, MaxDatagramBytes+1)
	for {
		n, source, err := from.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if cut, _ := r.config.cut(); err == nil && !cut {
			r.ledger.received(s.lane, n)
			source = netip.AddrPortFrom(source.Addr().Unmap(), source.Port())
			h, refusal := r.judge.judge(buffer[:n], source, s.lane.network)
			if refusal == "" && h.sort != sortOwn {
				h.way, h.station, h.source = Beacon, s, source
				refusal = r.put(h)
			}
			switch {
			case refusal != "":
				r.ledger.refused(s.lane, refusal)
			case h.sort == sortOwn:
				r.ledger.own(s.lane)
			}
		}
		for wait := pace.wait(time.Now()); wait > 0; wait = pace.wait(time.Now()) {
			select {
			case <-s.done:
				return
			case <-time.After(wait):
			}
		}
	}
}

// put puts what was heard into the inbox, if there is room.
func (r *radio) put(h heard) Refusal {
	select {
	case r.inbox <- h:
		return ""
	default:
		return RefusedOverflow
	}
}

// broadcast sends on each lane what compose gives for it. If it gives nothing
// the host does not listen there.
func (r *radio) broadcast(compose func(lane) []byte) {
	for l, s := range r.stations {
		datagram := compose(l)
		if datagram == nil {
			r.ledger.silent(l)
			continue
		}
		r.send(s, datagram, netip.AddrPortFrom(l.broadcast, r.config.Port))
	}
}

// send sends a datagram from a station. If the network is cut it is lost.
func (r *radio) send(s *station, datagram []byte, to netip.AddrPort) {
	if cut, _ := r.config.cut(); cut {
		return
	}
	if _, err := s.mouth.WriteToUDPAddrPort(datagram, to); err != nil {
		r.cannotSend(s.lane, err)
		return
	}
	r.ledger.sent(s.lane, len(datagram))
}

// close closes every lane and waits for the readers.
func (r *radio) close() {
	for l, s := range r.stations {
		s.close()
		delete(r.stations, l)
	}
}

// close closes the sockets and waits for their readers.
func (s *station) close() {
	close(s.done)
	_ = s.mouth.Close() // nothing is written that could be lost
	if s.ear != nil {
		_ = s.ear.Close()
	}
	s.readers.Wait()
}
