package membership

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"ganglion/mesh/secret"
	"ganglion/proto/wirepb"
)

// own is what this node says of itself, signed. It is safe for concurrent use and
// calls nobody.
type own struct {
	identity secret.Identity
	instance uint64
	name     string

	mu        sync.Mutex // guards what follows
	counter   *counter
	addresses []netip.AddrPort
	payload   []byte
	claim     uint64
	leaving   bool

	record *signedRecord // as signed last
	meta   meta
	raw    []byte // the meta's bytes
	stale  bool   // record does not say what it should

	lives  map[uint64]*life // others that used this identity, by instance
	cloned *CloneError      // nil: none found
}

// life is what is known of another instance of this node.
type life struct {
	answered uint64 // our counter after we had heard of it
	replies  int    // how often it went beyond that
}

// livesMax bounds how many lives are told apart.
const livesMax = 64

func newOwn(identity secret.Identity, instance uint64, name string, c *counter, addresses []netip.AddrPort) (*own, error) {
	o := &own{
		identity: identity, instance: instance, name: name, counter: c,
		addresses: usable(addresses), stale: true, lives: make(map[uint64]*life),
	}
	_, err := o.signLocked()
	return o, err
}

// usable returns the addresses that a record may hold.
func usable(addresses []netip.AddrPort) []netip.AddrPort {
	var kept []netip.AddrPort
	for _, a := range addresses {
		if a.IsValid() && len(kept) < AddressesMax {
			kept = append(kept, netip.AddrPortFrom(a.Addr().WithZone(""), a.Port()))
		}
	}
	return kept
}

// setPayload changes what the record says, from the next signing on.
func (o *own) setPayload(payload []byte) error {
	if len(payload) > PayloadBytesMax {
		return fmt.Errorf("set record: payload of %d bytes, at most %d are allowed", len(payload), PayloadBytesMax)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !bytes.Equal(o.payload, payload) {
		o.payload, o.stale = bytes.Clone(payload), true
	}
	return nil
}

func (o *own) setAddresses(addresses []netip.AddrPort) {
	addresses = usable(addresses)
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.addresses, addresses) {
		o.addresses, o.stale = addresses, true
	}
}

// setClaim raises the claim counter that the meta tells; a lower one changes nothing.
func (o *own) setClaim(claim uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claim = max(o.claim, claim)
}

// leave says goodbye, from the next signing on.
func (o *own) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leaving = true
}

// sign signs what changed, and returns the meta.
func (o *own) sign() ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.signLocked()
}

func (o *own) signLocked() ([]byte, error) {
	if o.stale {
		next, err := o.counter.above(o.meta.counter)
		if err != nil {
			return o.raw, fmt.Errorf("sign record: %w", err)
		}
		record, err := signRecord(o.identity, Record{
			Counter: next, Instance: o.instance, Name: o.name, Addresses: o.addresses, Payload: o.payload,
		})
		if err != nil {
			return o.raw, err
		}
		o.record, o.stale = record, false
	}
	m := meta{
		counter: o.record.Counter, hash: o.record.hash, claim: o.claim,
		instance: o.instance, address: firstAddress(o.record.Record), leaving: o.leaving,
	}
	if o.raw != nil && m == o.meta {
		return o.raw, nil
	}
	raw, err := encodeMeta(o.identity, m)
	if err != nil {
		return o.raw, err
	}
	o.meta, o.raw = m, raw
	return raw, nil
}

// current returns the meta as signed last.
func (o *own) current() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.raw
}

// signed returns the record for others.
func (o *own) signed() *wirepb.SignedRecord {
	o.mu.Lock()
	defer o.mu.Unlock()
	return &wirepb.SignedRecord{Member: string(o.identity.ID()), Record: o.record.signed}
}

// member returns this node as others see it.
func (o *own) member() Member {
	o.mu.Lock()
	defer o.mu.Unlock()
	state := StateAlive
	if o.leaving {
		state = StateLeft
	}
	return Member{
		ID: o.identity.ID(), Self: true, State: state, Instance: o.instance,
		Counter: o.meta.counter, Claim: o.meta.claim, Record: &o.record.Record,
	}
}

// clone returns the one that was found, or nil.
func (o *own) clone() *CloneError {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.cloned
}

// heard judges a meta of this very node that came from outside. One of an earlier life
// is outdone by a new signature (again). Of a life that goes on there is a
// *[CloneError]: memberlist must not answer it, or the two would never cease.
func (o *own) heard(raw []byte) (again bool, err error) {
	if bytes.Equal(raw, o.current()) {
		return false, nil
	}
	m, err := decodeMeta(o.identity.ID(), raw)
	if err != nil {
		return false, err
	}
	return o.met(m)
}

// heardRecord is heard for a record.
func (o *own) heardRecord(signed *wirepb.Signed) (again bool, err error) {
	o.mu.Lock()
	same := o.record.same(signed)
	o.mu.Unlock()
	if same {
		return false, nil
	}
	r, err := decodeRecord(o.identity.ID(), signed)
	if err != nil {
		return false, err
	}
	return o.met(meta{counter: r.Counter, hash: r.hash, instance: r.Instance, address: firstAddress(r.Record)})
}

// repliesMax is how often a life may go beyond our counter and still be taken for an
// earlier one, of which news arrives late.
const repliesMax = 2

func (o *own) met(m meta) (again bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case m.instance == o.instance:
		return false, nil
	case o.cloned != nil && o.cloned.OtherInstance == m.instance:
		return false, o.cloned
	case m.counter < o.meta.counter:
		return false, nil
	}
	l, ok := o.lives[m.instance]
	if !ok {
		if len(o.lives) >= livesMax {
			return false, fmt.Errorf("meta of another life of this node: %w", ErrFull)
		}
		l = &life{}
		o.lives[m.instance] = l
	}
	if l.answered != 0 && m.counter >= l.answered {
		l.replies++
	}
	// Counters that are kept on disk never repeat those of an earlier life.
	if l.replies >= repliesMax || o.counter.kept() && m.counter == o.meta.counter {
		o.cloned = clone(o.identity.ID(), o.meta, m)
		return false, o.cloned
	}
	o.meta.counter = m.counter // the next signature goes beyond it
	o.stale = true
	l.answered = m.counter + 1
	return true, nil
}
