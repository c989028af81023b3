package discovery

import (
	"net/netip"
	"slices"

	"ganglion/mesh/secret"
)

// Refusal says why a datagram was not taken.
type Refusal string

// The refusals, as Status counts them.
const (
	RefusedOversized   Refusal = "oversized"   // longer than MaxDatagramBytes
	RefusedAlien       Refusal = "alien"       // not a ganglion beacon
	RefusedForged      Refusal = "forged"      // our fingerprint, but made without our token or damaged
	RefusedMalformed   Refusal = "malformed"   // authentic or not, against the format
	RefusedMisplaced   Refusal = "misplaced"   // sent from an address off the link, or not the one it announces
	RefusedReplayed    Refusal = "replayed"    // this datagram has been heard before
	RefusedMisdirected Refusal = "misdirected" // an answer to somebody else
	RefusedFlood       Refusal = "flood"       // too many from that source
	RefusedOverflow    Refusal = "overflow"    // came faster than they were taken
)

// sort is what a datagram was found to come from.
type sort uint8

const (
	sortOwn      sort = iota + 1 // this very process
	sortMember                   // authenticated by the token
	sortForeign                  // of another mesh, unproved
	sortStranger                 // of another version, unproved
	sortSeeker                   // a node without a token, unproved
)

// judge tells what a datagram is worth. It is immutable.
type judge struct {
	instance    Instance
	fingerprint secret.Fingerprint // empty: this node has no token
	key         key
}

// judge returns what a datagram says and what it comes from, or why it is
// refused. The authentication code is checked before anything behind the head
// is looked at, wherever this node can check it. source is where the datagram
// comes from and link the network that it must be on; source is not valid where
// that is not known (mDNS).
func (j *judge) judge(datagram []byte, source netip.AddrPort, link netip.Prefix) (heard, Refusal) {
	if len(datagram) > MaxDatagramBytes {
		return heard{}, RefusedOversized
	}
	h, err := decodeHead(datagram)
	if err != nil {
		return heard{}, RefusedAlien
	}
	if source.IsValid() && !link.Contains(source.Addr()) {
		return heard{}, RefusedMisplaced
	}
	if h.version != version {
		return heard{announcement: announcement{fingerprint: h.fingerprint}, version: h.version, sort: sortStranger}, ""
	}
	ours := h.kind != kindSeek && h.fingerprint == j.fingerprint && j.fingerprint != ""
	if ours && !j.key.signed(datagram) {
		return heard{}, RefusedForged
	}
	a, err := decode(datagram)
	said := heard{announcement: a, version: h.version}
	switch {
	case err != nil:
		return heard{}, RefusedMalformed
	case a.instance == j.instance:
		said.sort = sortOwn
	case source.IsValid() && a.kind != kindSeek && !announces(a, source.Addr()):
		return heard{}, RefusedMisplaced
	case a.kind == kindAnswer && a.echo != j.instance:
		return heard{}, RefusedMisdirected
	case a.kind == kindSeek:
		said.sort = sortSeeker
	case ours:
		said.sort = sortMember
	default:
		said.sort = sortForeign
	}
	return said, ""
}

// announces tells whether the announcement gives this IP address.
func announces(a announcement, ip netip.Addr) bool {
	return slices.ContainsFunc(a.addresses, func(own netip.AddrPort) bool { return own.Addr() == ip })
}

// window remembers which of an instance's datagrams have been heard: the last
// 64 numbers below the highest, one bit each. Datagrams of one node overtake one
// another, since each interface has sockets of its own.
type window struct {
	highest uint64 // 0: none heard
	seen    uint64 // bit i: highest-i has been heard
}

// fresh tells whether the sequence number is heard for the first time, and notes
// it. One that is too old to tell is not fresh.
func (w *window) fresh(sequence uint64) bool {
	if sequence > w.highest {
		w.seen = w.seen<<min(sequence-w.highest, 64) | 1
		w.highest = sequence
		return true
	}
	age := w.highest - sequence
	if age >= 64 || w.seen&(1<<age) != 0 {
		return false
	}
	w.seen |= 1 << age
	return true
}
