package link

import (
	"context"
	"errors"
	"sync/atomic"
)

// DialResult is what came of a dial.
type DialResult uint8

// The results.
const (
	DialConnected  DialResult = iota
	DialNoAddress             // none of the peer's is known
	DialNoAnswer              // nothing answered in time
	DialRefused               // the machine or the network refused at once
	DialNotOurMesh            // what answered completed no handshake
	DialGivenUp               // another connection arrived first, or whoever asked waits no longer
	DialResults    = iota     // how many there are
)

func (r DialResult) String() string {
	return [DialResults]string{"connected", "no address", "no answer", "refused", "not our mesh", "given up"}[r]
}

// resultOf is the result that a dial's error stands for.
func resultOf(err error) DialResult {
	switch {
	case err == nil:
		return DialConnected
	case errors.Is(err, ErrClosed) || errors.Is(err, context.Canceled):
		return DialGivenUp
	case errors.Is(err, ErrNoAddress):
		return DialNoAddress
	case errors.Is(err, ErrNotOurMesh):
		return DialNotOurMesh
	case errors.Is(err, ErrNoAnswer) || errors.Is(err, context.DeadlineExceeded):
		return DialNoAnswer
	}
	return DialRefused
}

// dialCounts counts the results of dials.
type dialCounts [DialResults]atomic.Uint64

func (c *dialCounts) add(err error) { c[resultOf(err)].Add(1) }

// Dials is how many dials came to each result since the host was made.
func (h *Host) Dials() (by [DialResults]uint64) {
	for r := range by {
		by[r] = h.dials[r].Load()
	}
	return by
}
