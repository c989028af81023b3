package membership

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed says that the membership has ended.
	ErrClosed = errors.New("membership is closed")
	// ErrOtherVersion says that a peer speaks another version of these protocols.
	ErrOtherVersion = errors.New("peer speaks another protocol version")
	// ErrDenied says that the peer is on the list of denied peers.
	ErrDenied = errors.New("peer is denied")
	// ErrStale says that something newer is known already.
	ErrStale = errors.New("older than what is known")
	// ErrSignature says that a signature is not that of the member it speaks for.
	ErrSignature = errors.New("signature is not the member's")
	// ErrMalformed says that bytes are not in their format, or beyond its limits.
	ErrMalformed = errors.New("malformed")
	// ErrFull says that there is no room for one more.
	ErrFull = errors.New("table is full")
)

// VersionError says that a member speaks another version of the protocol.
type VersionError struct {
	Member       MemberID
	Theirs, Ours uint32
}

// Error names the member and both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("member %s speaks membership protocol %d, this node speaks %d: run the same version of ganglion on both", e.Member, e.Theirs, e.Ours)
}

// Is makes it an [ErrOtherVersion].
func (e *VersionError) Is(target error) bool { return target == ErrOtherVersion }

// CloneError says that two processes use one identity.
type CloneError struct {
	Member        MemberID
	Address       string // of the one that was known first, or this node's own
	OtherAddress  string
	Instance      uint64
	OtherInstance uint64
}

// Error names the member and both addresses.
func (e *CloneError) Error() string {
	return fmt.Sprintf("two processes use the identity %s, one at %s and one at %s: give one of them a state directory of its own", e.Member, e.Address, e.OtherAddress)
}
