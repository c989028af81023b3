package discovery

import (
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"ganglion/mesh/secret"
)

// Bounds of what is remembered of others.
const (
	maxMembers   = 1024
	maxInstances = 4  // of one member
	maxReports   = 16 // addresses of one member, and clones
	maxForeign   = 64
	answerEvery  = 200 * time.Millisecond // at most, to one member

	// foreignMemory is how long a foreign node that has fallen silent is listed,
	// and how seldom a clone is reported again.
	foreignMemory = time.Minute
)

// book notes who has been heard, so that what is heard again and again is
// reported once in a while. It is pure: all it knows is what it is told, with
// the time. A full table forgets whom it has not heard for longest.
type book struct {
	repeat  time.Duration
	members map[peer.ID]*member
	foreign map[foreignKey]*foreigner
	clones  map[netip.AddrPort]time.Time // when reported
	seekers *limiter[netip.Addr]         // answers to those who prove nothing
	answers bucket                       // answers to all
}

// member is what the book knows of a member of this mesh.
type member struct {
	instances []instance // the one heard last is the last
	reported  map[netip.AddrPort]time.Time
	answered  time.Time
	heard     time.Time
	sightings map[post]*sighting // by way and interface
}

// instance is one life of a member.
type instance struct {
	id     Instance
	window window
}

// foreignKey tells foreign nodes apart.
type foreignKey struct {
	fingerprint secret.Fingerprint
	version     uint8
	address     netip.AddrPort
}

// foreigner is what the book knows of a foreign node.
type foreigner struct {
	Foreign
	first, heard time.Time
}

func newBook(repeat time.Duration) *book {
	return &book{
		repeat:  repeat,
		members: map[peer.ID]*member{},
		foreign: map[foreignKey]*foreigner{},
		clones:  map[netip.AddrPort]time.Time{},
		seekers: newLimiter[netip.Addr](256, 8, 500*time.Millisecond),
		answers: bucket{size: 128, refill: 10 * time.Millisecond},
	}
}

// hear notes an authentic announcement of a member. It returns whether its
// addresses are to be reported, or why it is refused. A record (mDNS) is heard
// many times, a datagram once.
func (b *book) hear(now time.Time, a announcement, record bool) (report bool, refused Refusal) {
	m := b.members[a.peer]
	if m == nil {
		if len(b.members) >= maxMembers {
			forget(b.members, func(m *member) time.Time { return m.heard })
		}
		m = &member{reported: map[netip.AddrPort]time.Time{}, sightings: map[post]*sighting{}}
		b.members[a.peer] = m
	}
	if !record && !m.fresh(a) {
		return false, RefusedReplayed
	}
	m.heard = now
	first := a.addresses[0]
	if at, ok := m.reported[first]; ok && now.Sub(at) < b.repeat {
		return false, ""
	}
	if len(m.reported) >= maxReports {
		forget(m.reported, func(at time.Time) time.Time { return at })
	}
	m.reported[first] = now
	return true, ""
}

// fresh tells whether the member's datagram is heard for the first time. Several
// lives are kept apart, so that recordings of an old one cannot silence the
// present one.
func (m *member) fresh(a announcement) bool {
	at := slices.IndexFunc(m.instances, func(i instance) bool { return i.id == a.instance })
	life := instance{id: a.instance}
	if at >= 0 {
		life = m.instances[at]
	}
	if !life.window.fresh(a.sequence) {
		return false
	}
	if at < 0 && len(m.instances) == maxInstances {
		at = 0
	}
	if at >= 0 {
		m.instances = slices.Delete(m.instances, at, at+1)
	}
	m.instances = append(m.instances, life)
	return true
}

// answersMember tells whether to answer a member's question now.
func (b *book) answersMember(now time.Time, id peer.ID) bool {
	m := b.members[id]
	if m == nil || now.Sub(m.answered) < answerEvery || !b.answers.take(now) {
		return false
	}
	m.answered = now
	return true
}

// answersSeeker tells whether to answer a node without a token now.
func (b *book) answersSeeker(now time.Time, source netip.Addr) bool {
	return b.seekers.take(source, now) && b.answers.take(now)
}

// hearForeign notes a foreign node. It tells whether to report it: when it is
// heard for the first time, or again after a long silence.
func (b *book) hearForeign(now time.Time, f Foreign) bool {
	k := foreignKey{f.Fingerprint, f.Version, f.Address}
	known := b.foreign[k]
	if known == nil {
		if len(b.foreign) >= maxForeign {
			forget(b.foreign, func(f *foreigner) time.Time { return f.heard })
		}
		known = &foreigner{}
		b.foreign[k] = known
	}
	fresh := known.heard.IsZero() || now.Sub(known.heard) > foreignMemory
	if fresh {
		known.first = now
	}
	known.Foreign, known.heard = f, now
	return fresh
}

// foreigners returns the foreign nodes heard within the time given, the one
// heard last first.
func (b *book) foreigners(now time.Time, within time.Duration) []Foreign {
	var list []Foreign
	for _, f := range b.foreign {
		if silent := now.Sub(f.heard); silent <= within {
			one := f.Foreign
			one.Silent, one.Known = silent, now.Sub(f.first)
			list = append(list, one)
		}
	}
	sortForeigners(list)
	return list
}

// hearClone tells whether to report a clone at this address.
func (b *book) hearClone(now time.Time, at netip.AddrPort) bool {
	if reported, ok := b.clones[at]; ok && now.Sub(reported) < foreignMemory {
		return false
	}
	if len(b.clones) >= maxReports {
		forget(b.clones, func(at time.Time) time.Time { return at })
	}
	b.clones[at] = now
	return true
}

// alone tells whether no member has been heard within the time given.
func (b *book) alone(now time.Time, within time.Duration) bool {
	for _, m := range b.members {
		if now.Sub(m.heard) <= within {
			return false
		}
	}
	return true
}

// forget deletes the entry with the earliest time.
func forget[K comparable, V any](table map[K]V, when func(V) time.Time) {
	var oldest K
	var at time.Time
	first := true
	for k, v := range table {
		if t := when(v); first || t.Before(at) {
			oldest, at, first = k, t, false
		}
	}
	delete(table, oldest)
}
