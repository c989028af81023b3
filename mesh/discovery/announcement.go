package discovery

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/peer"

	"ganglion/mesh/secret"
)

// Sizes of a datagram and its parts, in bytes. doc.go has the layout.
const (
	// MaxDatagramBytes is the most that is read or sent; longer is refused.
	MaxDatagramBytes = 512
	// MaxNameBytes is the longest name of a node in an announcement.
	MaxNameBytes = 63
	// MaxAddresses is how many addresses an announcement may carry.
	MaxAddresses = 8

	fingerprintBytes = 8
	headBytes        = 38 // up to and with the echo
	macBytes         = 16
	maxPeerBytes     = 64
	version          = Version
)

// magic begins every datagram, of whatever version.
const magic = "gng\xb1"

// Instance is one life of one process: 64 random bits drawn at its start. It
// tells a restarted node from its former self without any clock. Zero is none.
type Instance uint64

// String returns the instance as 16 hexadecimal digits.
func (i Instance) String() string { return fmt.Sprintf("%016x", uint64(i)) }

// kind is what a datagram is for.
type kind uint8

const (
	kindAnnounce kind = 1 + iota // here I am
	kindAsk                      // here I am, and who else is there?
	kindAnswer                   // here I am, since you ask
	kindSeek                     // I have no token: is there a mesh?
)

// String returns the kind's name.
func (k kind) String() string {
	switch k {
	case kindAnnounce:
		return "announce"
	case kindAsk:
		return "ask"
	case kindAnswer:
		return "answer"
	case kindSeek:
		return "seek"
	default:
		return fmt.Sprintf("kind %d", uint8(k))
	}
}

// announcement is what a datagram says.
type announcement struct {
	kind        kind
	fingerprint secret.Fingerprint // fingerprintBytes long; empty in a seek
	instance    Instance           // of the sender, never zero
	sequence    uint64             // counts the instance's datagrams, from 1
	echo        Instance           // in an answer: who asked; else zero
	name        string             // of the node, to show; may be empty
	peer        peer.ID            // empty in a seek
	addresses   []netip.AddrPort   // TCP; empty in a seek
}

// key authenticates the announcements of one mesh.
type key [32]byte

// mac returns the authentication code of a datagram without its own.
func (k *key) mac(unsigned []byte) []byte {
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte("ganglion beacon 1\n"))
	h.Write(unsigned)
	return h.Sum(nil)[:macBytes]
}

// signed tells whether the datagram, headBytes and macBytes long at least, ends
// in its authentication code.
func (k *key) signed(datagram []byte) bool {
	end := len(datagram) - macBytes
	return hmac.Equal(datagram[end:], k.mac(datagram[:end]))
}

// encode returns the datagram. A seek is signed with the zero key, which
// everybody knows: it proves nothing and keeps the format one. The announcement
// must be within the limits of the format.
func (a *announcement) encode(k *key) []byte {
	b := make([]byte, 0, MaxDatagramBytes)
	b = append(b, magic...)
	b = append(b, version, byte(a.kind))
	b = append(b, a.fingerprint...)
	b = append(b, make([]byte, fingerprintBytes-len(a.fingerprint))...)
	b = binary.BigEndian.AppendUint64(b, uint64(a.instance))
	b = binary.BigEndian.AppendUint64(b, a.sequence)
	b = binary.BigEndian.AppendUint64(b, uint64(a.echo))
	b = append(b, byte(len(a.name)))
	b = append(b, a.name...)
	b = append(b, byte(len(a.peer)))
	b = append(b, a.peer...)
	b = append(b, byte(len(a.addresses)))
	for _, address := range a.addresses {
		ip := address.Addr().AsSlice()
		b = append(b, byte(len(ip)))
		b = append(b, ip...)
		b = binary.BigEndian.AppendUint16(b, address.Port())
	}
	return append(b, k.mac(b)...)
}

// head is the part of a datagram that every version keeps in place.
type head struct {
	version     uint8
	kind        kind
	fingerprint secret.Fingerprint // empty: a seeker, or none that we could show
}

// errNotOurs says that a datagram is none of this protocol, whatever its version.
var errNotOurs = errors.New("not a ganglion beacon")

// decodeHead reads what is needed to choose a key.
func decodeHead(datagram []byte) (head, error) {
	if len(datagram) < headBytes+macBytes || string(datagram[:len(magic)]) != magic {
		return head{}, errNotOurs
	}
	return head{
		version:     datagram[4],
		kind:        kind(datagram[5]),
		fingerprint: fingerprintOf(datagram),
	}, nil
}

// fingerprintOf returns the fingerprint in a datagram, or none if it is zero or
// not one that a token gives.
func fingerprintOf(datagram []byte) secret.Fingerprint {
	text := string(datagram[6 : 6+fingerprintBytes])
	if !validFingerprint(text) {
		return ""
	}
	return secret.Fingerprint(text)
}

// validFingerprint tells whether a token may give this fingerprint.
func validFingerprint(text string) bool {
	return len(text) == fingerprintBytes && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// decode reads a datagram of this version whose head has been read. It checks
// all but the authentication code. What it accepts, encode gives back byte for
// byte: there is one spelling of each announcement.
func decode(datagram []byte) (announcement, error) {
	a := announcement{
		kind:        kind(datagram[5]),
		fingerprint: fingerprintOf(datagram),
		instance:    Instance(binary.BigEndian.Uint64(datagram[14:])),
		sequence:    binary.BigEndian.Uint64(datagram[22:]),
		echo:        Instance(binary.BigEndian.Uint64(datagram[30:])),
	}
	rest := reader(datagram[headBytes : len(datagram)-macBytes])
	name, ok := rest.prefixed(MaxNameBytes)
	if !ok || !validName(string(name)) {
		return announcement{}, errors.New("decode beacon: the name is not up to 63 bytes of printable UTF-8")
	}
	a.name = string(name)
	id, ok := rest.prefixed(maxPeerBytes)
	if !ok {
		return announcement{}, errors.New("decode beacon: the peer ID is cut off or too long")
	}
	if len(id) > 0 {
		parsed, err := peer.IDFromBytes(id)
		if err != nil {
			return announcement{}, fmt.Errorf("decode beacon: peer ID: %w", err)
		}
		if _, err := secret.MemberIDOf(parsed); err != nil {
			return announcement{}, fmt.Errorf("decode beacon: %w", err)
		}
		a.peer = parsed
	}
	count, ok := rest.bytes(1)
	if !ok || count[0] > MaxAddresses {
		return announcement{}, errors.New("decode beacon: too many addresses")
	}
	for range count[0] {
		address, err := rest.address()
		if err != nil {
			return announcement{}, err
		}
		a.addresses = append(a.addresses, address)
	}
	if len(rest) > 0 {
		return announcement{}, errors.New("decode beacon: bytes after the last address")
	}
	if a.fingerprint == "" && !bytes.Equal(datagram[6:6+fingerprintBytes], make([]byte, fingerprintBytes)) {
		return announcement{}, errors.New("decode beacon: the fingerprint is not eight of a-z and 2-7")
	}
	if err := a.check(); err != nil {
		return announcement{}, err
	}
	return a, nil
}

// check holds the rules of doc.go that concern more than one field.
func (a *announcement) check() error {
	member := a.kind == kindAnnounce || a.kind == kindAsk || a.kind == kindAnswer
	switch {
	case !member && a.kind != kindSeek:
		return fmt.Errorf("decode beacon: unknown %v", a.kind)
	case a.instance == 0 || a.sequence == 0:
		return errors.New("decode beacon: instance or sequence is 0")
	case (a.echo != 0) != (a.kind == kindAnswer):
		return fmt.Errorf("decode beacon: an echo in %v, or none in an answer", a.kind)
	case (a.peer != "") != member || (len(a.addresses) > 0) != member || (a.fingerprint != "") != member:
		return fmt.Errorf("decode beacon: %v says too much or too little", a.kind)
	default:
		return nil
	}
}

// validName tells whether a node's name may be shown on a terminal as it is.
func validName(name string) bool {
	if len(name) > MaxNameBytes || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// announceable tells whether an address may stand in an announcement: one that
// means the same to every host of the link.
func announceable(address netip.AddrPort) bool {
	ip := address.Addr()
	return address.Port() != 0 && ip.IsValid() && ip.Zone() == "" && !ip.Is4In6() && !ip.IsUnspecified() &&
		!ip.IsMulticast() && (!ip.Is6() || !ip.IsLinkLocalUnicast()) && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// reader takes bytes from the front of what is left of a datagram.
type reader []byte

// bytes takes n bytes.
func (r *reader) bytes(n int) ([]byte, bool) {
	if len(*r) < n {
		return nil, false
	}
	taken := (*r)[:n]
	*r = (*r)[n:]
	return taken, true
}

// prefixed takes a string of at most limit bytes behind its length.
func (r *reader) prefixed(limit int) ([]byte, bool) {
	n, ok := r.bytes(1)
	if !ok || int(n[0]) > limit {
		return nil, false
	}
	return r.bytes(int(n[0]))
}

// address takes an address.
func (r *reader) address() (netip.AddrPort, error) {
	raw, ok := r.prefixed(16)
	ip, isIP := netip.AddrFromSlice(raw)
	port, hasPort := r.bytes(2)
	if !ok || !isIP || !hasPort {
		return netip.AddrPort{}, errors.New("decode beacon: an address is cut off or neither IPv4 nor IPv6")
	}
	address := netip.AddrPortFrom(ip, binary.BigEndian.Uint16(port))
	if !announceable(address) {
		return netip.AddrPort{}, fmt.Errorf("decode beacon: %v is no address to announce", address)
	}
	return address, nil
}
