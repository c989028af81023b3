package bundles

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"ganglion/inference"
)

// errDisagrees says that a peer's bundle has another size than the one before it said:
// one of the two lies.
var errDisagrees = fmt.Errorf("%w: its file has another size than other peers say", ErrDishonest)

// fetch is one call of Fetch.
type fetch struct {
	id       inference.BundleID
	ask      Ask
	progress func(have, total int)
	blames   []Blame

	have  []byte // the file from its beginning
	total int    // the size of the file, as the first who sent a chunk had it; 0: nobody has
	parts []part // of have, in order
}

// part is what one peer sent without a break.
type part struct {
	peer     Peer
	from, to int               // bytes of the file
	sum      [sha256.Size]byte // of them, once the whole is known to be wrong
}

// file gets the bytes whose hash is the ID.
func (f *fetch) file(ctx context.Context, peers []Peer) ([]byte, error) {
	peers = unique(peers)
	if err := f.together(ctx, peers); err != nil {
		return nil, err
	}
	complete := f.complete()
	if complete && sha256.Sum256(f.have) == f.id {
		return f.have, nil
	}
	parts, claimed := f.summed(), f.total
	if complete && len(parts) == 1 {
		f.blame(parts[0].peer, errOtherHash)
		peers = slices.DeleteFunc(peers, func(p Peer) bool { return p == parts[0].peer })
	} else if len(parts) == 0 || len(peers) == 1 {
		return nil, &FetchError{f.id, f.blames}
	}
	// Whoever began may have lied, so that the honest could not go on.
	had := func(p Peer) bool { return slices.ContainsFunc(parts, func(q part) bool { return q.peer == p }) }
	slices.SortStableFunc(peers, func(a, b Peer) int {
		switch {
		case had(a) == had(b):
			return 0
		case had(b):
			return -1
		}
		return 1
	})
	file, err := f.apart(ctx, peers)
	if err != nil {
		return nil, err
	}
	if len(parts) > 0 && claimed != len(file) {
		f.pardon(func(b Blame) bool { return errors.Is(b.Err, errDisagrees) }) // and rightly so
		f.blame(parts[0].peer, fmt.Errorf("%w: it has %d bytes, not %d", ErrDishonest, len(file), claimed))
	}
	for _, p := range parts {
		if p.to > len(file) || sha256.Sum256(file[p.from:p.to]) != p.sum {
			f.blame(p.peer, fmt.Errorf("%w: bytes %d to %d of its file are wrong", ErrDishonest, p.from, p.to))
		}
	}
	return file, nil
}

var errOtherHash = fmt.Errorf("%w: its file has another hash", ErrDishonest)

// together has the file put together by all peers, until it is complete or nobody has
// more.
func (f *fetch) together(ctx context.Context, peers []Peer) error {
	left := slices.Clone(peers)
	for before := -1; before < len(f.have) && !f.complete(); {
		before = len(f.have) // a round in which nobody had more is the last
		for _, p := range slices.Clone(left) {
			err := f.drain(ctx, p)
			switch {
			case err == nil:
				return nil
			case ctx.Err() != nil:
				return fmt.Errorf("fetch bundle %s: %w", f.id.Short(), context.Cause(ctx))
			case errors.Is(err, errDisagrees), errors.Is(err, ErrMalformed):
				left = slices.DeleteFunc(left, func(q Peer) bool { return q == p })
			}
			f.blame(p, err)
		}
	}
	return nil
}

// apart asks one peer after the other for all of the file.
func (f *fetch) apart(ctx context.Context, peers []Peer) ([]byte, error) {
	for _, p := range peers {
		f.have, f.total, f.parts = nil, 0, nil
		err := f.drain(ctx, p)
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("fetch bundle %s: %w", f.id.Short(), context.Cause(ctx))
		case err != nil:
			f.blame(p, err)
		case sha256.Sum256(f.have) != f.id:
			f.blame(p, errOtherHash)
		default:
			f.pardon(func(b Blame) bool { return b.Peer == p }) // what it refused was impossible
			return f.have, nil
		}
	}
	return nil, &FetchError{f.id, f.blames}
}

// drain asks a peer for what is lacking, until nothing is.
func (f *fetch) drain(ctx context.Context, p Peer) error {
	for !f.complete() {
		total, data, err := f.chunk(ctx, p)
		switch {
		case err != nil:
			return err
		case f.total == 0:
			f.total = total
		case total != f.total:
			return errDisagrees
		}
		from := len(f.have)
		f.have = append(f.have, data...)
		if n := len(f.parts); n > 0 && f.parts[n-1].peer == p {
			f.parts[n-1].to = len(f.have)
		} else {
			f.parts = append(f.parts, part{peer: p, from: from, to: len(f.have)})
		}
		if f.progress != nil {
			f.progress(len(f.have), f.total)
		}
	}
	return nil
}

// chunk asks a peer for the next chunk.
func (f *fetch) chunk(ctx context.Context, p Peer) (total int, data []byte, err error) {
	request, err := encodeRequest(f.id, len(f.have))
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	reply, err := f.ask(ctx, p, request)
	if err != nil {
		return 0, nil, err
	}
	return decodeChunk(reply, len(f.have))
}

// complete tells that there are as many bytes as the first peer promised.
func (f *fetch) complete() bool { return f.total > 0 && len(f.have) == f.total }

// summed is the parts with their hashes.
func (f *fetch) summed() []part {
	for i := range f.parts {
		p := &f.parts[i]
		p.sum = sha256.Sum256(f.have[p.from:p.to])
	}
	return f.parts
}

// blame notes what was wrong with a peer; of several faults the last, but nothing
// takes the place of a lie.
func (f *fetch) blame(p Peer, err error) {
	for i, b := range f.blames {
		if b.Peer == p {
			if !errors.Is(b.Err, ErrDishonest) || errors.Is(err, ErrDishonest) {
				f.blames[i].Err = err
			}
			return
		}
	}
	f.blames = append(f.blames, Blame{p, err})
}

// pardon takes back what turned out to be another's fault.
func (f *fetch) pardon(which func(Blame) bool) { f.blames = slices.DeleteFunc(f.blames, which) }

// unique is the peers, each once.
func unique(peers []Peer) []Peer {
	var out []Peer
	for _, p := range peers {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
