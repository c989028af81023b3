package link

import (
	"context"
	"errors"
	"io"
	"time"
)

// startOpener starts what opens the stream to a connected peer, where that is this
// host's part.
func (l *Links) startOpener(ctx context.Context, p Peer) {
	if !dialsFirst(l.host.peer, p) {
		return
	}
	for {
		k, err := l.link(p)
		if err != nil {
			return // the links have ended
		}
		if l.openOn(ctx, k) {
			return
		}
	}
}

// openOn starts the opener of a link where none runs; not where the link is
// forgotten.
func (l *Links) openOn(ctx context.Context, k *link) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.forgotten:
		return false
	case k.opening:
		k.again = true
	default:
		k.opening = l.start(func() { l.keepOpen(ctx, k) })
	}
	return true
}

// keepOpen opens the stream, and again whenever it ends, while the peer is connected.
func (l *Links) keepOpen(ctx context.Context, k *link) {
	const shortest = 20 * time.Millisecond
	pause := shortest
	for l.goesOn(ctx, k) {
		stream, err := l.host.OpenConnected(ctx, k.peer, l.config.Protocol)
		if err == nil {
			var up bool
			if up, err = l.serve(ctx, k, stream, true); up {
				pause = shortest
			}
		}
		// A peer that has just started may not have got as far as its links.
		if errors.Is(err, ErrOtherProtocol) && pause == l.host.config.RedialMax {
			l.log.WarnContext(ctx, "peer speaks another protocol version; use the same version of ganglion on every node", "peer", string(k.peer))
		}
		timer := time.NewTimer(max(between(pause/2, pause), k.penalty()))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, l.host.config.RedialMax)
	}
}

// goesOn tells whether the opener is to try (again), and if not, that it ends. It goes by what
// events were told, since such an event starts the next: of a connection that is gone that is
// told a moment later, and where another has come meanwhile it is not told at all.
func (l *Links) goesOn(ctx context.Context, k *link) bool {
	connected := l.host.told(k.peer)
	k.mu.Lock()
	defer k.mu.Unlock()
	if ctx.Err() == nil && (k.again || connected) {
		k.again = false
		return true
	}
	k.opening = false
	return false
}

// penalty returns for how long the peer is to have no stream.
func (k *link) penalty() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return max(0, time.Until(k.penaltyUntil))
}

// accept serves a stream that a peer opened.
func (l *Links) accept(ctx context.Context, stream *Stream) {
	k, err := l.link(stream.Peer())
	if err != nil || dialsFirst(l.host.peer, stream.Peer()) || k.penalty() > 0 {
		_ = stream.Reset() // not its part, or not now
		return
	}
	done := make(chan struct{})
	if !l.start(func() {
		defer close(done)
		_, _ = l.serve(ctx, k, stream, false) // logged there
	}) {
		_ = stream.Reset()
		return
	}
	<-done
}

// serve runs one stream's session in the place of an older one, until it ends. It
// tells whether the link was up by it.
func (l *Links) serve(ctx context.Context, k *link, stream *Stream, opener bool) (up bool, err error) {
	s := newSession(l, k, stream, opener)
	k.mu.Lock()
	older, risen, forgotten := k.latest, k.current.Load(), k.forgotten
	if !forgotten {
		k.latest = s
	}
	k.mu.Unlock()
	if forgotten {
		return false, stream.Reset() // the peer opens another
	}
	// The one that is up is not always the latest before this: that may have come while it was
	// still waiting for the one that is up to end. Of the older ones no other comes up any more.
	for _, o := range []*session{older, risen} {
		if o != nil {
			o.end(errReplaced)
			<-o.over
		}
	}
	if ctx.Err() != nil {
		s.end(ErrClosed)
	}
	err = s.serve(ctx)
	switch {
	case errors.Is(err, errMalformed) || errors.Is(err, io.ErrUnexpectedEOF):
		l.countRefusal(ctx, k, func(r *Refusals) { r.Malformed++ })
	case errors.Is(err, errSlow):
		l.countRefusal(ctx, k, func(r *Refusals) { r.Slow++ })
	}
	l.log.DebugContext(ctx, "stream of link ended", "peer", string(k.peer), "error", err)
	k.mu.Lock()
	defer k.mu.Unlock()
	return s.rose, err
}
