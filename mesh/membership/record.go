package membership

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/netip"

	"ganglion/mesh/secret"
	"ganglion/proto/wirepb"
)

// recordBytesMax is the longest body of a record: its payload, addresses, name and
// what protobuf adds.
const recordBytesMax = PayloadBytesMax + AddressesMax*(addressBytesMax+4) + NameBytesMax + 256

// Record is what a member says of itself. It must not be changed.
type Record struct {
	Counter   uint64
	Instance  uint64
	Name      string
	Addresses []netip.AddrPort
	Payload   []byte
}

// signedRecord is a record, checked, with the bytes that go on to others.
type signedRecord struct {
	Record
	hash   hash
	signed *wirepb.Signed
}

// signRecord makes this node's own.
func signRecord(identity secret.Identity, r Record) (*signedRecord, error) {
	if len(r.Payload) > PayloadBytesMax {
		return nil, fmt.Errorf("sign record: payload of %d bytes, at most %d are allowed", len(r.Payload), PayloadBytesMax)
	}
	body := &wirepb.MemberRecord{Counter: r.Counter, Instance: r.Instance, Name: r.Name, Payload: r.Payload}
	for _, a := range r.Addresses {
		body.Addresses = append(body.Addresses, a.String())
	}
	signed, err := sign(identity, purposeRecord, body)
	if err != nil {
		return nil, err
	}
	// What others would refuse is refused here.
	return decodeRecord(identity.ID(), signed)
}

// decodeRecord checks a record that is said to be the member's. The errors are
// [ErrMalformed] and [ErrSignature].
func decodeRecord(member MemberID, signed *wirepb.Signed) (*signedRecord, error) {
	if n := len(signed.GetBody()); n == 0 || n > recordBytesMax {
		return nil, fmt.Errorf("decode record of %s: %d bytes, 1 to %d are allowed: %w", member, n, recordBytesMax, ErrMalformed)
	}
	var body wirepb.MemberRecord
	if err := unmarshal("record", signed.GetBody(), &body); err != nil {
		return nil, err
	}
	switch {
	case len(body.GetPayload()) > PayloadBytesMax:
		return nil, fmt.Errorf("decode record of %s: payload of %d bytes, at most %d are allowed: %w", member, len(body.GetPayload()), PayloadBytesMax, ErrMalformed)
	case len(body.GetAddresses()) > AddressesMax:
		return nil, fmt.Errorf("decode record of %s: %d addresses, at most %d are allowed: %w", member, len(body.GetAddresses()), AddressesMax, ErrMalformed)
	case body.GetCounter() == 0 || body.GetCounter() > counterMax:
		return nil, fmt.Errorf("decode record of %s: counter %d is not 1 to %d: %w", member, body.GetCounter(), uint64(counterMax), ErrMalformed)
	}
	if err := checkName(body.GetName()); err != nil {
		return nil, fmt.Errorf("decode record of %s: %w", member, err)
	}
	r := Record{Counter: body.GetCounter(), Instance: body.GetInstance(), Name: body.GetName(), Payload: body.GetPayload()}
	for _, text := range body.GetAddresses() {
		a, ok := parseAddress(text)
		if !ok {
			return nil, fmt.Errorf("decode record of %s: address %.80q: %w", member, text, ErrMalformed)
		}
		r.Addresses = append(r.Addresses, a)
	}
	if err := verify(member, purposeRecord, signed); err != nil {
		return nil, err
	}
	return &signedRecord{Record: r, hash: sha256.Sum256(signed.GetBody()), signed: signed}, nil
}

// same tells whether the bytes are those of the record in hand, which needs no second
// check.
func (r *signedRecord) same(signed *wirepb.Signed) bool {
	return r != nil && bytes.Equal(r.signed.GetBody(), signed.GetBody()) && bytes.Equal(r.signed.GetSignature(), signed.GetSignature())
}

// parseAddress reads ip:port. A zone means something on one machine alone, and may be
// any text: it is refused.
func parseAddress(text string) (netip.AddrPort, bool) {
	if len(text) > addressBytesMax {
		return netip.AddrPort{}, false
	}
	a, err := netip.ParseAddrPort(text)
	return a, err == nil && a.Addr().Zone() == ""
}

// sizeBytes is the room that the record takes in a message, at most.
func (r *signedRecord) sizeBytes() int {
	const around = 256 // the member's ID and what protobuf adds
	return len(r.signed.GetBody()) + len(r.signed.GetSignature()) + around
}
