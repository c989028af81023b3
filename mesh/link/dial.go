package link

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

// keepTag marks the connections that the connection manager must not end.
const keepTag = "keep"

// Connect returns when there is a connection to the peer, or why there is none. Where
// both may dial, the one with the smaller ID does; this host, if it has the greater,
// waits for it a little and dials only then, because the other may be unable to. That
// the peer admits this host is known only from its first answer.
//
// The errors are [ErrUnreachable] with its cause ([ErrNoAddress], [ErrNoAnswer],
// [ErrNotOurMesh] or the network's), [ErrDenied], [ErrSelf], [ErrClosed] and the context's.
func (h *Host) Connect(ctx context.Context, p Peer) error {
	return h.connect(ctx, p, dialsFirst(h.peer, p))
}

// ConnectNow is [Host.Connect] without the wait, for a peer that cannot know of this
// host yet: one that was given by its address.
func (h *Host) ConnectNow(ctx context.Context, p Peer) error { return h.connect(ctx, p, true) }

// dialsFirst is the rule for two peers that learn of one another at once.
func dialsFirst(self, other Peer) bool { return self < other }

func (h *Host) connect(ctx context.Context, p Peer, first bool) error {
	id, err := h.target(p)
	if err != nil || h.Connected(p) {
		return err
	}
	if first {
		return h.dial(ctx, p, id)
	}
	h.mu.Lock()
	arrived := h.of(id, p).arrived
	h.mu.Unlock()
	if there, err := h.yield(ctx, p, arrived); err != nil || there {
		return err
	}
	// The other's dial may have been under way all the time: the first to arrive stops
	// this one.
	var watch sync.WaitGroup
	defer watch.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch.Go(func() {
		select {
		case <-arrived:
			cancel()
		case <-ctx.Done():
		}
	})
	err = h.dial(ctx, p, id)
	select {
	case <-arrived:
		return nil
	default:
		return err
	}
}

// target returns the libp2p ID of a peer that may be dialled.
func (h *Host) target(p Peer) (peer.ID, error) {
	id, err := p.Peer()
	switch {
	case err != nil:
		return "", err
	case h.closing.Err() != nil:
		return "", fmt.Errorf("connect to %s: %w", p, ErrClosed)
	case p == h.peer:
		return "", fmt.Errorf("connect to %s: %w", p, ErrSelf)
	case !h.gater.allowsPeer(id):
		return "", fmt.Errorf("connect to %s: %w", p, ErrDenied)
	}
	return id, nil
}

// yield gives the other the time to dial, and tells whether it did.
func (h *Host) yield(ctx context.Context, p Peer, arrived <-chan struct{}) (there bool, err error) {
	timer := time.NewTimer(between(h.config.YieldMin, h.config.YieldMax))
	defer timer.Stop()
	select {
	case <-arrived:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, fmt.Errorf("connect to %s: %w", p, context.Cause(ctx))
	case <-h.closing.Done():
		return false, fmt.Errorf("connect to %s: %w", p, ErrClosed)
	}
}

func (h *Host) dial(ctx context.Context, p Peer, id peer.ID) (err error) {
	var seen error // of the peer, where the context ended before the dial did
	defer func() {
		h.dials.add(err)
		h.dialled.note(p, cmp.Or(seen, err), time.Now())
	}()
	if s, ok := h.host.Network().(*swarm.Swarm); ok {
		// Pauses between attempts are for the caller to make.
		s.Backoff().Clear(id)
	}
	attempt, end := h.meter.attempt(id)
	defer end()
	_, err = h.host.Network().DialPeer(network.WithDialPeerTimeout(ctx, h.config.DialTimeout), id)
	switch {
	case err == nil:
		return nil
	case h.closing.Err() != nil:
		return fmt.Errorf("connect to %s: %w", p, ErrClosed)
	case ctx.Err() != nil:
		if !errors.Is(context.Cause(ctx), context.Canceled) {
			seen = attempt.failed(context.WithoutCancel(ctx), err)
		}
		return fmt.Errorf("connect to %s: %w", p, context.Cause(ctx))
	case errors.Is(err, swarm.ErrNoAddresses) || errors.Is(err, swarm.ErrNoGoodAddresses):
		return fmt.Errorf("connect to %s: %w: %w", p, ErrUnreachable, ErrNoAddress)
	}
	return fmt.Errorf("connect to %s: %w: %w", p, ErrUnreachable, attempt.failed(ctx, err))
}

// rank says when each address of a peer is dialled: one after the other, in steps that
// an answer on a local network arrives within, so that a peer with many addresses does
// not cost as many handshakes. Link-local addresses come last: with several interfaces
// they are ambiguous; and IPv4 before IPv6, as it is more often set up with care.
func rank(addresses []ma.Multiaddr) []network.AddrDelay {
	const step, latest = 100 * time.Millisecond, time.Second
	worse := func(m ma.Multiaddr) int {
		a, _ := addrPort(m)
		switch {
		case a.Addr().IsLinkLocalUnicast():
			return 2
		case a.Addr().Is6():
			return 1
		}
		return 0
	}
	ranked := make([]network.AddrDelay, 0, len(addresses))
	for _, m := range addresses {
		ranked = append(ranked, network.AddrDelay{Addr: m})
	}
	slices.SortStableFunc(ranked, func(a, b network.AddrDelay) int { return cmp.Compare(worse(a.Addr), worse(b.Addr)) })
	for i := range ranked {
		ranked[i].Delay = min(time.Duration(i)*step, latest)
	}
	return ranked
}

// Disconnect ends all connections to the peer. One that is kept is dialled again.
func (h *Host) Disconnect(p Peer) error {
	id, err := p.Peer()
	if err != nil {
		return err
	}
	if err := h.host.Network().ClosePeer(id); err != nil {
		return fmt.Errorf("disconnect from %s: %w", p, err)
	}
	return nil
}

// Keep has the host stay connected to the peer until [Host.Release] or the host's
// end: it dials again, for ever and with pauses, whenever there is no connection. A
// peer that is kept already, or is this host itself, changes nothing.
func (h *Host) Keep(p Peer) error {
	id, err := p.Peer()
	if err != nil || p == h.peer {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("keep %s: %w", p, ErrClosed)
	}
	if _, ok := h.kept[p]; ok {
		return nil
	}
	ctx, cancel := context.WithCancel(h.closing)
	h.kept[p] = cancel
	h.host.ConnManager().Protect(id, keepTag)
	h.keepers.Go(func() { h.keep(ctx, p) })
	return nil
}

// Release ends what [Host.Keep] began. A connection that is there stays.
func (h *Host) Release(p Peer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	cancel, ok := h.kept[p]
	if !ok {
		return
	}
	cancel()
	delete(h.kept, p)
	if id, err := p.Peer(); err == nil {
		h.host.ConnManager().Unprotect(id, keepTag)
	}
}

// keep dials the peer whenever it is away.
func (h *Host) keep(ctx context.Context, p Peer) {
	away := make(chan struct{}, 1)
	stop := h.Watch(func(e Event) {
		if e.Peer == p && !e.Up {
			select {
			case away <- struct{}{}:
			default: // it knows
			}
		}
	})
	defer stop()
	pause := h.config.RedialMin
	for ctx.Err() == nil {
		err := h.Connect(ctx, p)
		if err == nil {
			pause = h.config.RedialMin
			select {
			case <-ctx.Done():
			case <-away:
			}
			continue
		}
		h.log.DebugContext(ctx, "peer cannot be reached", "peer", string(p), "error", err)
		timer := time.NewTimer(between(pause/2, pause))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, h.config.RedialMax)
	}
}

// between returns a random duration from low up to high.
func between(low, high time.Duration) time.Duration {
	return low + rand.N(high-low+1)
}
