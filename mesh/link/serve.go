package link

import (
	"context"
	"fmt"
	"time"
)

// serve reads the session's frames until it ends, and returns why. The session's
// writer runs as long.
func (s *session) serve(ctx context.Context) error {
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write()
	}()
	err := s.read(ctx)
	s.end(err)
	<-written
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *session) read(ctx context.Context) error {
	if s.opener {
		if err := s.queue(header{probe: true}, nil); err != nil {
			return err
		}
	}
	frames, err := newFrameReader(s.stream, s.links.config.FrameTimeout, s.allows)
	if err != nil {
		return err
	}
	up := false
	for {
		f, err := frames.next()
		if err != nil {
			return err
		}
		if !up && f.kind != 0 {
			return fmt.Errorf("%w: the first of a stream has kind %d, not 0", errMalformed, f.kind)
		}
		if err := s.note(f.header); err != nil {
			return err
		}
		if !up {
			up = true
			s.links.rose(s)
			_ = s.queue(header{probe: true}, nil) // the first round trip; a full queue measures soon enough
		}
		switch {
		case f.kind == 0:
		case !f.allowed:
			s.refuse(ctx, f.header, f.payloadBytes)
		case f.reply != 0:
			s.answered(f.header, f.payload)
		default:
			s.handle(f.header, f.payload)
		}
	}
}

// allows tells whether the payload of a frame may be taken in.
func (s *session) allows(h header, payloadBytes int) bool {
	switch {
	case h.kind == 0:
		return payloadBytes == 0
	case h.reply != 0:
		return s.allowsReply(h, payloadBytes)
	}
	handling, ok := (*s.links.handlers.Load())[h.kind]
	return ok && int64(payloadBytes) <= handling.maxBytes.Load()
}

func (s *session) allowsReply(h header, payloadBytes int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.requests[h.reply]
	if !ok || c.kind != h.kind {
		return false
	}
	if h.status != StatusOK {
		return payloadBytes <= ReasonBytesMax
	}
	return payloadBytes <= c.maxBytes
}

// note notes that a frame has arrived, and what it acknowledges.
func (s *session) note(h header) error {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err // what still comes of it may be behind what another stream brought
	}
	if h.acknowledged > s.numbered || h.acknowledged != 0 && h.acknowledged < s.acknowledged {
		return fmt.Errorf("%w: it acknowledges %d frames after %d of %d", errMalformed, h.acknowledged, s.acknowledged, s.numbered)
	}
	if h.acknowledged > s.acknowledged {
		s.acknowledged, s.acknowledgedAt = h.acknowledged, now
		at, ok := s.times.acknowledge(h.acknowledged)
		ok = ok && (h.acknowledged > 1 || !s.opener) // the stream's opening is in the first
		s.link.acknowledged(now, now.Sub(at)-h.held, ok)
		s.calm()
	}
	if !h.numbered() {
		return nil
	}
	s.received++
	s.receivedAt = now
	owed := s.owed
	s.owed = true
	switch {
	case h.probe:
		s.acknowledgeLocked()
	case !owed:
		s.timer.Reset(s.links.config.AcknowledgeDelay)
	}
	return nil
}

// refuse counts a frame that is not handled, and answers it if it is a request.
func (s *session) refuse(ctx context.Context, h header, payloadBytes int) {
	_, handled := (*s.links.handlers.Load())[h.kind]
	count := func(r *Refusals) { r.Unknown++ }
	status := StatusUnknown
	switch {
	case h.reply != 0:
		s.refuseReply(ctx, h, payloadBytes)
		return
	case handled:
		count = func(r *Refusals) { r.TooLarge++ }
		status = StatusTooLarge
	}
	s.links.countRefusal(ctx, s.link, count)
	if h.request != 0 {
		_ = s.queue(header{kind: h.kind, reply: h.request, status: status}, nil) // or the requester's time runs out
	}
}

// refuseReply drops a reply, and tells the requester where one still waits.
func (s *session) refuseReply(ctx context.Context, h header, payloadBytes int) {
	s.mu.Lock()
	c, waits := s.requests[h.reply]
	waits = waits && c.kind == h.kind
	if waits {
		delete(s.requests, h.reply)
	}
	s.mu.Unlock()
	if !waits {
		s.links.countRefusal(ctx, s.link, func(r *Refusals) { r.Late++ })
		return
	}
	s.links.countRefusal(ctx, s.link, func(r *Refusals) { r.TooLarge++ })
	c.reply <- reply{err: &SizeError{Kind: h.kind, PayloadBytes: payloadBytes, MaxBytes: c.maxBytes}}
}

// answered gives a reply to its request.
func (s *session) answered(h header, payload []byte) {
	s.mu.Lock()
	c, ok := s.requests[h.reply]
	delete(s.requests, h.reply)
	s.mu.Unlock()
	switch {
	case !ok: // it was given up this instant
	case h.status != StatusOK:
		c.reply <- reply{err: &RefusedError{Status: h.status, Reason: string(payload)}}
	default:
		c.reply <- reply{payload: append(make([]byte, 0, len(payload)), payload...)}
	}
}

func (s *session) handle(h header, payload []byte) {
	handling, ok := (*s.links.handlers.Load())[h.kind]
	if !ok {
		return // kinds are never taken away
	}
	handling.handle(Message{From: s.link.peer, Kind: h.kind, Payload: payload, session: s, request: h.request})
}
