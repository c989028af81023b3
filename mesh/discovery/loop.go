package discovery

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// loop is the one goroutine that owns the radio and the book and calls the
// consumer.
func (d *Discovery) loop(ctx context.Context, r *radio) error {
	defer r.close()
	l := &loop{
		Discovery: d, radio: r, book: newBook(d.config.Repeat),
		schedule: schedule{first: d.config.First, steady: d.config.Interval},
		random:   newRandom(d.judge.instance),
	}
	speak := time.NewTimer(l.schedule.next(l.random) / 4)
	defer speak.Stop()
	poll := time.NewTicker(d.config.Poll)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case h := <-r.inbox:
			l.take(time.Now(), h)
		case c := <-d.found:
			d.consumer.Found(c)
		case <-speak.C:
			l.speak(time.Now())
			speak.Reset(l.schedule.next(l.random))
		case <-poll.C:
			if l.refresh(ctx) {
				l.schedule.hurry()
				speak.Reset(0)
			}
			now := time.Now()
			d.ledger.change(func(s *Status) {
				s.Members, s.Heard, s.Foreign = len(l.book.members), l.book.sightings(now), l.book.foreigners(now, foreignMemory)
			})
		}
	}
}

// loop is the state of Discovery.loop.
type loop struct {
	*Discovery
	radio    *radio
	book     *book
	schedule schedule
	random   *rand.Rand
}

// refresh looks at the interfaces and tells the others when they have changed.
func (l *loop) refresh(ctx context.Context) (changed bool) {
	if changed = l.radio.refresh(ctx); changed {
		l.around.set(l.radio.used)
		l.log.Info("network interfaces", "used", names(l.radio.used), "lanes", len(l.radio.stations))
	}
	return changed
}

// speak announces this node on every lane. It asks for answers while it is new
// or alone, so that a newcomer need not wait for the others' steady beat.
func (l *loop) speak(now time.Time) {
	k := kindAnnounce
	if l.schedule.quick() || l.book.alone(now, 3*l.config.Interval) {
		k = kindAsk
	}
	l.radio.broadcast(func(on lane) []byte { return l.datagram(k, 0, on) })
}

// datagram returns what to say on a lane, or nil if the host does not listen
// there.
func (l *loop) datagram(k kind, echo Instance, on lane) []byte {
	return l.announcement(k, echo, listensOn(l.host.ListenAddrs(), []netip.Addr{on.network.Addr()}))
}

// take acts on what was heard.
func (l *loop) take(now time.Time, h heard) {
	refused := Refusal("")
	switch h.sort {
	case sortSeeker:
		refused = l.takeSeeker(now, h)
	case sortForeign, sortStranger:
		if f, ok := foreignOf(h, l.radio.used); ok && l.book.hearForeign(now, f) {
			l.consumer.Foreign(f)
		}
	case sortMember:
		refused = l.takeMember(now, h)
	case sortOwn:
		return
	}
	if refused != "" {
		l.ledger.refused(h.lane(), refused)
		return
	}
	l.ledger.heard(h.lane())
}

// takeSeeker tells a node without a token that there is a mesh, if it can be
// answered: by mDNS it has heard so already.
func (l *loop) takeSeeker(now time.Time, h heard) Refusal {
	if h.station == nil {
		return ""
	}
	if !l.book.answersSeeker(now, h.source.Addr()) {
		return RefusedFlood
	}
	l.answer(h)
	return ""
}

// takeMember acts on an authentic announcement.
func (l *loop) takeMember(now time.Time, h heard) Refusal {
	a := h.announcement
	if a.peer == l.host.ID() {
		// By mDNS it may be this node's own former life, still in a cache.
		where, ok := placeOf(h, l.radio.used)
		if h.way == Beacon && ok && l.book.hearClone(now, where) {
			l.consumer.Cloned(Clone{Name: a.name, Address: where, Interface: h.lane().iface})
		}
		return ""
	}
	addresses := reachable(a.addresses, h.source.Addr(), l.radio.used)
	if len(addresses) == 0 {
		return RefusedMisplaced
	}
	report, refused := l.book.hear(now, a, h.way == MDNS)
	if refused != "" {
		return refused
	}
	l.book.sight(now, h, addresses)
	if a.kind == kindAsk && h.station != nil && l.book.answersMember(now, a.peer) {
		l.answer(h)
	}
	if report && !l.host.Connected(a.peer) {
		l.consumer.Found(Candidate{Peer: a.peer, Addresses: addresses, Name: a.name, Way: h.way, Interface: h.lane().iface})
	}
	return ""
}

// answer tells whoever spoke that this node is here, and nobody else.
func (l *loop) answer(h heard) {
	if datagram := l.datagram(kindAnswer, h.announcement.instance, h.station.lane); datagram != nil {
		l.radio.send(h.station, datagram, h.source)
	}
}

// reachable returns those of the announced addresses that are on a network of
// ours, the one that the datagram came from first. Another machine's loopback
// address is not: here it is somebody else.
func reachable(announced []netip.AddrPort, source netip.Addr, used []Interface) []ma.Multiaddr {
	ordered := slices.Clone(announced)
	slices.SortStableFunc(ordered, func(a, b netip.AddrPort) int {
		return boolRank(b.Addr() == source) - boolRank(a.Addr() == source)
	})
	var addresses []ma.Multiaddr
	for _, address := range ordered {
		if !onLink(used, address.Addr()) || address.Addr().IsLoopback() && !source.IsLoopback() {
			continue
		}
		if m, err := multiaddress(address); err == nil {
			addresses = append(addresses, m)
		}
	}
	return addresses
}

// boolRank is 1 for true.
func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// placeOf returns where the node that was heard may be joined: by beacon at the
// announced address that it was sent from, by mDNS at the first that is on a
// network of ours. Port 0: it does not say.
func placeOf(h heard, used []Interface) (netip.AddrPort, bool) {
	for _, address := range h.announcement.addresses {
		if address.Addr() == h.source.Addr() || !h.source.IsValid() && onLink(used, address.Addr()) {
			return address, true
		}
	}
	return netip.AddrPortFrom(h.source.Addr(), 0), h.source.IsValid()
}

// foreignOf describes a foreign node. One that mDNS places beyond our networks
// is none of our business.
func foreignOf(h heard, used []Interface) (Foreign, bool) {
	place, ok := placeOf(h, used)
	return Foreign{
		Fingerprint: h.announcement.fingerprint, Version: h.version, Name: h.announcement.name,
		Address: place, Way: h.way, Interface: h.lane().iface,
	}, ok
}

// names returns the interfaces' names.
func names(interfaces []Interface) []string {
	list := make([]string, len(interfaces))
	for n, i := range interfaces {
		list[n] = i.Name
	}
	return list
}
