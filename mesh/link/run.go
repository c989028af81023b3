package link

import (
	"context"
	"time"
)

// Run brings links up and keeps them until ctx is done; then it ends them and waits
// for all handlers to return. It is called once. The error is nil.
func (l *Links) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := l.host.Watch(func(e Event) {
		if e.Up {
			l.startOpener(ctx, e.Peer)
		}
	})
	l.host.Accept(l.config.Protocol, func(s *Stream) { l.accept(ctx, s) })
	for _, p := range l.host.Peers() {
		l.startOpener(ctx, p)
	}
	ticker := time.NewTicker(l.config.ProbeInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-ticker.C:
			l.tend(ctx, now)
		}
	}
	stop()
	l.host.Accept(l.config.Protocol, nil)
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.endSessions()
	l.running.Wait()
	return nil
}

// start runs work unless the links have ended.
func (l *Links) start(work func()) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return false
	}
	l.running.Go(work)
	return true
}

func (l *Links) endSessions() {
	for _, link := range l.all() {
		link.mu.Lock()
		s := link.latest
		link.mu.Unlock()
		if s != nil {
			s.end(ErrClosed)
		}
	}
}

func (l *Links) all() []*link {
	l.mu.RLock()
	defer l.mu.RUnlock()
	links := make([]*link, 0, len(l.links))
	for _, link := range l.links {
		links = append(links, link)
	}
	return links
}

// tend probes links that were not measured for a while, reports what was refused and
// forgets peers that are long gone.
func (l *Links) tend(ctx context.Context, now time.Time) {
	const forgetAfter = 10 * time.Minute
	for _, link := range l.all() {
		if s := link.current.Load(); s != nil {
			link.mu.Lock()
			measured := link.roundTrips.last
			link.mu.Unlock()
			if now.Sub(measured) >= l.config.ProbeInterval/2 {
				_ = s.queue(header{probe: true}, nil) // a full queue measures soon enough
			}
		} else if link.forget(now, forgetAfter) {
			l.mu.Lock()
			delete(l.links, link.peer)
			l.mu.Unlock()
		}
		if line, ok := link.refusals.report(now, l.config.ReportInterval); ok {
			l.warnRefused(ctx, link.peer, line)
		}
	}
}

func (l *Links) warnRefused(ctx context.Context, p Peer, r Refusals) {
	l.log.WarnContext(ctx, "refused frames of peer", "peer", string(p),
		"unknown", r.Unknown, "too_large", r.TooLarge, "malformed", r.Malformed, "slow", r.Slow, "late", r.Late)
}
