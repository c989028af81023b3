package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-yamux/v5"
)

// Links are the framed links of a host, one to each peer. All methods are safe for
// concurrent use.
type Links struct {
	host   *Host
	config LinksConfig
	log    *slog.Logger

	handlers atomic.Pointer[map[Kind]*handling] // the map never changes
	watchers watchers
	calls    sync.Pool // of *call

	mu      sync.RWMutex // guards what follows
	links   map[Peer]*link
	closed  bool
	running sync.WaitGroup // sessions and openers; Add only where closed is false
	edit    sync.Mutex     // one change of handlers at a time
}

// NewLinks returns the links of a protocol. They come up while [Links.Run] runs.
func NewLinks(h *Host, config LinksConfig, log *slog.Logger) (*Links, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	l := &Links{host: h, config: config, log: log, links: make(map[Peer]*link)}
	l.handlers.Store(&map[Kind]*handling{})
	// Until they run, a peer is told that the protocol is the right one, and to try
	// again.
	h.Accept(config.Protocol, func(s *Stream) { _ = s.Reset() })
	return l, nil
}

// Send queues a frame for the peer and returns at once. The payload is copied. A nil
// error says that it will be sent if the link lasts, not that it arrived: for that,
// see [Links.Health]. The errors are [ErrUnreachable] where the link is down, [ErrQueueFull]
// and a *[SizeError]. Send does not dial: see [Host.Keep].
func (l *Links) Send(to Peer, kind Kind, payload []byte) error {
	if len(payload) > PayloadBytesMax {
		return &SizeError{Kind: kind, PayloadBytes: len(payload), MaxBytes: PayloadBytesMax}
	}
	s := l.session(to)
	if s == nil {
		return fmt.Errorf("send kind %d to %s: %w", kind, to, ErrUnreachable)
	}
	if err := s.queue(header{kind: kind}, payload); err != nil {
		return fmt.Errorf("send kind %d to %s: %w", kind, to, err)
	}
	return nil
}

// Request queues a frame for the peer and waits for its reply, of at most
// maxReplyBytes. Where the link is down it waits for it to come up, and has the host
// dial. The errors are those of [Links.Send], of [Host.Connect], a *[RefusedError]
// from the peer, and the context's: give it a deadline. The reply is the caller's.
func (l *Links) Request(ctx context.Context, to Peer, kind Kind, payload []byte, maxReplyBytes int) ([]byte, error) {
	if len(payload) > PayloadBytesMax {
		return nil, &SizeError{Kind: kind, PayloadBytes: len(payload), MaxBytes: PayloadBytesMax}
	}
	s := l.session(to)
	if s == nil {
		var err error
		if s, err = l.await(ctx, to); err != nil {
			return nil, fmt.Errorf("request kind %d of %s: %w", kind, to, err)
		}
	}
	reply, err := s.request(ctx, kind, payload, maxReplyBytes)
	if err != nil {
		return nil, fmt.Errorf("request kind %d of %s: %w", kind, to, err)
	}
	return reply, nil
}

// Await returns when the link to the peer is up, or why it does not come up. It has
// the host dial once.
func (l *Links) Await(ctx context.Context, to Peer) error {
	if _, err := l.await(ctx, to); err != nil {
		return fmt.Errorf("await link to %s: %w", to, err)
	}
	return nil
}

func (l *Links) await(ctx context.Context, to Peer) (*session, error) {
	link, err := l.link(to)
	if err != nil {
		return nil, err
	}
	if !l.host.Connected(to) {
		if err := l.host.Connect(ctx, to); err != nil {
			return nil, err
		}
	}
	for {
		up, s := link.rise()
		if s != nil {
			return s, nil
		}
		select {
		case <-up:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrUnreachable, context.Cause(ctx))
		case <-l.host.closing.Done():
			return nil, ErrClosed
		}
	}
}

// Up tells whether the link to the peer is up.
func (l *Links) Up(p Peer) bool { return l.session(p) != nil }

// Watch calls watch for every link that comes up or goes down, from the moment at
// which it happens. The rules of [Host.Watch] hold.
func (l *Links) Watch(watch func(Event)) (stop func()) { return l.watchers.add(watch) }

// session returns the one that is up, or nil.
func (l *Links) session(p Peer) *session {
	l.mu.RLock()
	link := l.links[p]
	l.mu.RUnlock()
	if link == nil {
		return nil
	}
	return link.current.Load()
}

// link returns the peer's link, which is made where there is none.
func (l *Links) link(p Peer) (*link, error) {
	l.mu.RLock()
	existing, closed := l.links[p], l.closed
	l.mu.RUnlock()
	if closed {
		return nil, ErrClosed
	}
	if existing != nil {
		return existing, nil
	}
	if _, err := p.Peer(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.links[p] == nil {
		l.links[p] = newLink(p, l.config)
	}
	return l.links[p], nil
}

// broken tells whether an error shows that the other end or the network ended a
// session.
func broken(err error) bool {
	for _, ours := range []error{ErrClosed, errReplaced, errMalformed, errSlow, yamux.ErrKeepAliveTimeout, yamux.ErrConnectionWriteTimeout} {
		if errors.Is(err, ours) {
			return false
		}
	}
	if c := (*network.ConnError)(nil); errors.As(err, &c) {
		return c.Remote
	}
	if s := (*network.StreamError)(nil); errors.As(err, &s) {
		return s.Remote
	}
	return true
}

// Flush returns when every frame that was queued before has been acknowledged, or its
// link is down: what a node does before it ends, so that its last words are heard. The
// error is the context's.
func (l *Links) Flush(ctx context.Context) error {
	for _, link := range l.all() {
		s := link.current.Load()
		if s == nil {
			continue
		}
		_ = s.queue(header{probe: true}, nil) // asks for the acknowledgement at once; a full queue has it soon
		select {
		case <-s.flushed():
		case <-s.done:
		case <-ctx.Done():
			return fmt.Errorf("flush link to %s: %w", link.peer, context.Cause(ctx))
		}
	}
	return nil
}
