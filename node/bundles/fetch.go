package bundles

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ganglion/inference"
)

// askTimeout is how long a peer may take for one chunk.
const askTimeout = 5 * time.Second

// Peer is who may have a bundle, by the name that the mesh knows it by.
type Peer string

// Ask sends a request to a peer and returns its reply; an error also says that the
// peer refused. It must end when ctx does. The reply is the caller's.
type Ask func(ctx context.Context, peer Peer, request []byte) (reply []byte, err error)

// ErrDishonest says that a peer sent what cannot be the bundle, for errors.Is.
var ErrDishonest = errors.New("not what was asked for")

// Blame is what was wrong with a peer.
type Blame struct {
	Peer Peer
	Err  error
}

// FetchError says that nobody had a bundle, and why each did not.
type FetchError struct {
	ID     inference.BundleID
	Blames []Blame // by peer, in the order in which they were given up
}

func (e *FetchError) Error() string {
	if len(e.Blames) == 0 {
		return fmt.Sprintf("fetch bundle %s: there is nobody to ask", e.ID.Short())
	}
	reasons := make([]string, 0, len(e.Blames))
	for _, b := range e.Blames {
		reasons = append(reasons, fmt.Sprintf("%s: %v", b.Peer, b.Err))
	}
	return fmt.Sprintf("fetch bundle %s: no peer gave it (%s)", e.ID.Short(), strings.Join(reasons, "; "))
}

// Unwrap is the reasons, for errors.Is.
func (e *FetchError) Unwrap() []error {
	errs := make([]error, 0, len(e.Blames))
	for _, b := range e.Blames {
		errs = append(errs, b.Err)
	}
	return errs
}

// Fetch gets a bundle from peers, which are asked in their order, and checks it. With
// progress, if it is not nil, it tells how many bytes of how many are there; have goes
// back to zero where everything begins anew, and total is a peer's word. It blocks
// until it has the bundle, or every peer has failed: the error is then a *FetchError.
// blames names who failed or lied on the way, even where the bundle was got in the end.
func Fetch(ctx context.Context, id inference.BundleID, peers []Peer, ask Ask, progress func(have, total int)) (b *inference.Bundle, blames []Blame, err error) {
	f := &fetch{id: id, ask: ask, progress: progress}
	file, err := f.file(ctx, peers)
	if err != nil {
		return nil, f.blames, err
	}
	b, err = inference.DecodeBundle(file)
	if err != nil {
		// The file is the one that was asked for: no other peer has another.
		return nil, f.blames, fmt.Errorf("use bundle %s: %w", id.Short(), err)
	}
	return b, f.blames, nil
}
