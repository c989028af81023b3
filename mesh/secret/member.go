package secret

import (
	"crypto/ed25519"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// MemberID is the public half of an identity: a libp2p peer ID of an Ed25519 key in
// base58. IDs from [ParseMemberID] and [MemberIDOf] are valid; any other string is
// refused where it is used. Its order, by bytes, is the order that the protocols
// mean. The zero MemberID is nobody.
type MemberID string

// shortChars tell the members of a mesh apart in a line of text.
const shortChars = 6

// ParseMemberID returns the ID with that text. It refuses all that is not the ID of
// an Ed25519 key, spelled in the one canonical way.
func ParseMemberID(text string) (MemberID, error) {
	id, err := peer.Decode(text)
	if err != nil {
		return "", fmt.Errorf("parse member ID %.64q: %w", text, err)
	}
	member, err := MemberIDOf(id)
	if err != nil {
		return "", err
	}
	if string(member) != text {
		return "", fmt.Errorf("parse member ID %.64q: not its canonical text, which is %s", text, member)
	}
	return member, nil
}

// MemberIDOf returns the ID of a libp2p peer. Only peers with an Ed25519 key have
// one.
func MemberIDOf(id peer.ID) (MemberID, error) {
	if _, err := publicKey(id); err != nil {
		return "", err
	}
	return MemberID(id.String()), nil
}

// Peer returns the libp2p peer ID, or an error where the text is none.
func (m MemberID) Peer() (peer.ID, error) {
	id, err := peer.Decode(string(m))
	if err != nil {
		return "", fmt.Errorf("parse member ID %.64q: %w", string(m), err)
	}
	return id, nil
}

// Short returns the last characters of the ID, enough to tell the members of one
// mesh apart in text for people. The first characters of all IDs are the same.
func (m MemberID) Short() string {
	return string(m[max(0, len(m)-shortChars):])
}

// Verify tells whether the member signed the message for that purpose.
func (m MemberID) Verify(purpose string, message, signature []byte) bool {
	id, err := m.Peer()
	if err != nil {
		return false
	}
	key, err := publicKey(id)
	if err != nil {
		return false
	}
	return ed25519.Verify(key, signed(purpose, message), signature)
}

func publicKey(id peer.ID) (ed25519.PublicKey, error) {
	key, err := id.ExtractPublicKey()
	if err != nil {
		return nil, fmt.Errorf("read key of peer %s: not an Ed25519 identity: %w", id, err)
	}
	raw, err := key.Raw()
	if err != nil {
		return nil, fmt.Errorf("read key of peer %s: %w", id, err)
	}
	if key.Type() != crypto.Ed25519 || len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("read key of peer %s: it is %v, members have Ed25519", id, key.Type())
	}
	return raw, nil
}

// signed returns what a signature for the purpose is made over.
func signed(purpose string, message []byte) []byte {
	const mark = "ganglion v1 "
	b := make([]byte, 0, len(mark)+len(purpose)+1+len(message))
	b = append(b, mark...)
	b = append(b, purpose...)
	b = append(b, 0)
	return append(b, message...)
}
