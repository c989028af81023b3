package link

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errReplaced ends a session whose peer has opened another stream.
var errReplaced = errors.New("peer opened another stream")

// session is a link's state while one stream lasts. Its frames are read by one
// goroutine (serve), written by another (write), and queued by any.
type session struct {
	links  *Links
	link   *link
	stream *Stream
	opener bool
	wake   chan struct{} // has room for one: there is something to write
	done   chan struct{} // closed at the end
	over   chan struct{} // closed when the link has let go of the session
	rose   bool          // the link was up by it; guarded by the link's lock

	mu             sync.Mutex // guards what follows
	waiting        []byte     // frames to write
	writingBytes   int        // of what is being written
	numbered       uint64     // frames queued that acknowledgements count
	acknowledged   uint64     // of them
	acknowledgedAt time.Time
	times          sendTimes
	received       uint64 // numbered frames of the peer
	receivedAt     time.Time
	owed           bool // an acknowledgement is
	timer          *time.Timer
	requests       map[uint64]*call
	lastRequest    uint64
	err            error         // why it ended; nil: it has not
	quiet          chan struct{} // closed when all is acknowledged; nil: nobody waits for it
}

// call is a request that waits for its reply. Whoever takes it from the requests sends
// the one reply, so that it can be used again when that was received.
type call struct {
	kind     Kind
	maxBytes int
	reply    chan reply // has room for one
}

type reply struct {
	payload []byte
	err     error
}

func newSession(l *Links, link *link, stream *Stream, opener bool) *session {
	s := &session{
		links: l, link: link, stream: stream, opener: opener,
		wake: make(chan struct{}, 1), done: make(chan struct{}), over: make(chan struct{}),
		requests: make(map[uint64]*call),
	}
	s.timer = time.AfterFunc(time.Hour, s.acknowledge)
	s.timer.Stop()
	return s
}

// queue puts a frame behind those that wait.
func (s *session) queue(h header, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queueLocked(h, payload)
}

func (s *session) queueLocked(h header, payload []byte) error {
	if s.err != nil {
		return ErrUnreachable
	}
	before := len(s.waiting) + s.writingBytes
	if before > 0 && before+len(payload)+headerBytesMax > s.links.config.QueueBytes {
		return ErrQueueFull
	}
	var now time.Time
	if h.numbered() || s.owed {
		now = time.Now()
	}
	if h.numbered() {
		s.numbered++
		s.times.add(s.numbered, now)
	}
	if s.owed {
		s.owed = false
		s.timer.Stop() // it would wake an idle process for nothing
		h.acknowledged, h.held = s.received, now.Sub(s.receivedAt)
	}
	s.waiting = appendFrame(s.waiting, h, payload)
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
	return nil
}

// acknowledge sends an acknowledgement that found no frame to ride on.
func (s *session) acknowledge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owed {
		s.acknowledgeLocked()
	}
}

func (s *session) acknowledgeLocked() {
	if err := s.queueLocked(header{}, nil); errors.Is(err, ErrQueueFull) {
		s.timer.Reset(s.links.config.AcknowledgeDelay) // unless a frame takes it along before
	}
}

// request sends a request and waits for its reply.
func (s *session) request(ctx context.Context, kind Kind, payload []byte, maxReplyBytes int) ([]byte, error) {
	c, ok := s.links.calls.Get().(*call)
	if !ok {
		c = &call{reply: make(chan reply, 1)}
	}
	defer s.links.calls.Put(c)
	c.kind, c.maxBytes = kind, maxReplyBytes
	number, err := s.ask(c, payload)
	if err != nil {
		return nil, err
	}
	select {
	case r := <-c.reply:
		return r.payload, r.err
	case <-ctx.Done():
	}
	if s.giveUp(number) {
		return nil, context.Cause(ctx)
	}
	r := <-c.reply // it came this instant
	return r.payload, r.err
}

// giveUp takes a request from those that wait, and tells whether it was there. If not,
// its reply has been sent, or is being.
func (s *session) giveUp(number uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.requests[number]
	delete(s.requests, number)
	return ok
}

func (s *session) ask(c *call, payload []byte) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) >= s.links.config.RequestsMax {
		return 0, ErrQueueFull
	}
	if err := s.queueLocked(header{kind: c.kind, request: s.lastRequest + 1}, payload); err != nil {
		return 0, err
	}
	s.lastRequest++
	s.requests[s.lastRequest] = c
	return s.lastRequest, nil
}

// write writes what waits, all of it in one call, until the session ends.
func (s *session) write() {
	var spare []byte
	for {
		select {
		case <-s.wake:
		case <-s.done:
			return
		}
		s.mu.Lock()
		writing := s.waiting
		s.waiting, s.writingBytes = spare[:0], len(writing)
		s.mu.Unlock()
		if len(writing) == 0 {
			spare = writing
			continue
		}
		_, err := s.stream.Write(writing)
		s.mu.Lock()
		s.writingBytes = 0
		s.mu.Unlock()
		if err != nil {
			s.end(err)
			return
		}
		if spare = writing; cap(spare) > readBytesKept {
			spare = nil
		}
	}
}

// end ends the session, once: requests fail, the reader and the writer return.
func (s *session) end(err error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	requests := s.requests
	s.requests, s.waiting = nil, nil
	s.timer.Stop()
	s.mu.Unlock()
	close(s.done)
	for _, c := range requests {
		c.reply <- reply{err: ErrUnreachable}
	}
	s.links.fell(s, err)
	close(s.over)
	// The stream is ended on our side either way. To tell the other waits for as long as the
	// connection takes nothing, seconds where it is cut; another may be there by then.
	reset := func() { _ = s.stream.Reset() }
	if !s.links.start(reset) {
		reset()
	}
}

// flushed returns what is closed when all frames queued by now are acknowledged, and
// maybe some more.
func (s *session) flushed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quiet == nil {
		s.quiet = make(chan struct{})
	}
	quiet := s.quiet
	s.calm()
	return quiet
}

// calm tells who waits that all is acknowledged, if it is.
func (s *session) calm() {
	if s.quiet == nil || s.acknowledged < s.numbered {
		return
	}
	close(s.quiet)
	s.quiet = nil
}

// health fills in what the session knows.
func (s *session) health(h *Health) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.QueuedBytes = len(s.waiting) + s.writingBytes
	h.Unacknowledged = int(s.numbered - s.acknowledged)
	if h.Unacknowledged == 0 {
		return
	}
	h.Waiting = s.times.oldest()
	if h.Waiting.IsZero() {
		h.Waiting = s.acknowledgedAt // so many under way that their times are not kept
	}
}
