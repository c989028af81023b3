package link

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// Cause says in one word why a dial failed, for programs and for whoever looks after a
// network. Empty: it did not fail.
type Cause string

// The causes.
const (
	// CauseNoAnswer says that nothing answers, not even to refuse: a firewall that drops, a
	// machine that is off, or a way back that is broken.
	CauseNoAnswer Cause = "no-answer"
	// CauseRefused says that the machine answers, and nothing listens at the port.
	CauseRefused Cause = "refused"
	// CauseNoRoute says that there is no way to the address.
	CauseNoRoute Cause = "no-route"
	// CauseOtherSecret says that what listens there completed no handshake.
	CauseOtherSecret Cause = "other-secret"
	// CauseOtherPeer says that another node of the mesh listens there.
	CauseOtherPeer Cause = "other-peer"
	// CauseSelf says that this host listens there.
	CauseSelf Cause = "self"
	// CauseNoAddress says that no address of the peer is known.
	CauseNoAddress Cause = "no-address"
	// CauseDenied says that the peer is on the list of denied peers.
	CauseDenied Cause = "denied"
	// CauseOtherVersion says that the peer speaks another version of the protocol.
	CauseOtherVersion Cause = "other-version"
	// CauseOther says that it is something else.
	CauseOther Cause = "other"
)

// CauseOf returns the cause of an error of a dial. What says so itself goes first: a
// deadline that passed is the last guess.
func CauseOf(err error) Cause {
	if err == nil {
		return ""
	}
	for _, known := range []struct {
		is    error
		cause Cause
	}{
		{ErrOtherPeer, CauseOtherPeer},
		{ErrSelf, CauseSelf},
		{ErrDenied, CauseDenied},
		{ErrNoAddress, CauseNoAddress},
		{ErrOtherProtocol, CauseOtherVersion},
		{syscall.ECONNREFUSED, CauseRefused},
		{syscall.EHOSTUNREACH, CauseNoRoute},
		{syscall.ENETUNREACH, CauseNoRoute},
		{ErrNotOurMesh, CauseOtherSecret},
		{ErrNoAnswer, CauseNoAnswer},
		{syscall.ETIMEDOUT, CauseNoAnswer},
		{context.DeadlineExceeded, CauseNoAnswer},
		{os.ErrDeadlineExceeded, CauseNoAnswer},
	} {
		if errors.Is(err, known.is) {
			return known.cause
		}
	}
	return CauseOther
}
