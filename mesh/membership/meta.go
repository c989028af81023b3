package membership

import (
	"cmp"
	"crypto/sha256"
	"fmt"

	"ganglion/mesh/secret"
	"ganglion/proto/wirepb"

	"google.golang.org/protobuf/proto"
)

// addressBytesMax is the longest address in text: an IPv6 address, brackets and port.
const addressBytesMax = 64

// meta is the short signed summary of a member that gossip carries.
type meta struct {
	counter  uint64
	hash     hash // of the record's body
	claim    uint64
	instance uint64
	address  string // for people; may be empty
	leaving  bool
}

// compare orders the metas of one member: what holds is the greatest.
func (m meta) compare(o meta) int {
	return cmp.Or(cmp.Compare(m.counter, o.counter), cmp.Compare(m.claim, o.claim), cmp.Compare(rank(m.leaving), rank(o.leaving)))
}

// contradicts tells whether one process cannot have signed both: each counter is of
// one record.
func (m meta) contradicts(o meta) bool {
	return m.counter == o.counter && (m.hash != o.hash || m.instance != o.instance)
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// encodeMeta signs a meta. It fails where memberlist would panic.
func encodeMeta(identity secret.Identity, m meta) ([]byte, error) {
	signed, err := sign(identity, purposeMeta, &wirepb.MemberMeta{
		Version:    Version,
		Counter:    m.counter,
		RecordHash: m.hash[:],
		Claim:      m.claim,
		Instance:   m.instance,
		Address:    m.address,
		Leaving:    m.leaving,
	})
	if err != nil {
		return nil, err
	}
	data, err := proto.Marshal(signed)
	if err != nil {
		return nil, fmt.Errorf("encode meta: %w", err)
	}
	if len(data) > MetaBytesMax {
		return nil, fmt.Errorf("encode meta: %d bytes, at most %d are allowed", len(data), MetaBytesMax)
	}
	return data, nil
}

// decodeMeta checks a meta that is said to be the member's. The errors are
// *[VersionError], [ErrMalformed] and [ErrSignature].
func decodeMeta(member MemberID, data []byte) (meta, error) {
	if len(data) > MetaBytesMax {
		return meta{}, fmt.Errorf("decode meta of %s: %d bytes, at most %d are allowed: %w", member, len(data), MetaBytesMax, ErrMalformed)
	}
	var signed wirepb.Signed
	if err := unmarshal("meta", data, &signed); err != nil {
		return meta{}, err
	}
	var body wirepb.MemberMeta
	if err := unmarshal("meta", signed.GetBody(), &body); err != nil {
		return meta{}, err
	}
	// The version comes first: of another one nothing else is known, its signature
	// included.
	if body.GetVersion() != Version {
		return meta{}, &VersionError{Member: member, Theirs: body.GetVersion(), Ours: Version}
	}
	switch {
	case len(body.GetRecordHash()) != sha256.Size:
		return meta{}, fmt.Errorf("decode meta of %s: hash of %d bytes: %w", member, len(body.GetRecordHash()), ErrMalformed)
	case body.GetCounter() == 0 || body.GetCounter() > counterMax:
		return meta{}, fmt.Errorf("decode meta of %s: counter %d is not 1 to %d: %w", member, body.GetCounter(), uint64(counterMax), ErrMalformed)
	}
	if _, ok := parseAddress(body.GetAddress()); !ok && body.GetAddress() != "" {
		return meta{}, fmt.Errorf("decode meta of %s: address %.80q: %w", member, body.GetAddress(), ErrMalformed)
	}
	if err := verify(member, purposeMeta, &signed); err != nil {
		return meta{}, err
	}
	return meta{
		counter:  body.GetCounter(),
		hash:     hash(body.GetRecordHash()),
		claim:    body.GetClaim(),
		instance: body.GetInstance(),
		address:  body.GetAddress(),
		leaving:  body.GetLeaving(),
	}, nil
}
