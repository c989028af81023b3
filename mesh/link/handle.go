package link

import (
	"fmt"
	"maps"
	"sync/atomic"
)

// Handler is called with each frame of a kind, in the order in which a peer sent
// them and never twice at once for one peer, but at once for several. It must return
// soon: while it runs, nothing more is read from that peer.
type Handler func(Message)

// handling is what is done with a kind.
type handling struct {
	maxBytes atomic.Int64
	handle   Handler
}

// Handle has handler called with the frames of a kind whose payload is at most
// maxBytes. Larger ones are refused, and so are kinds without a handler: call it
// before [Links.Run]. For a kind that has a handler it is replaced.
func (l *Links) Handle(kind Kind, maxBytes int, handler Handler) error {
	if kind == 0 || kind > KindMax || handler == nil {
		return fmt.Errorf("handle kind %d: kinds with a handler are 1 to %d", kind, KindMax)
	}
	if err := payloadLimit(kind, maxBytes); err != nil {
		return err
	}
	h := &handling{handle: handler}
	h.maxBytes.Store(int64(maxBytes))
	l.edit.Lock()
	defer l.edit.Unlock()
	handlers := maps.Clone(*l.handlers.Load())
	handlers[kind] = h
	l.handlers.Store(&handlers)
	return nil
}

// Limit changes how large the payload of a handled kind may be, from the next frame
// on: the sizes of views and features are known when a bundle is loaded.
func (l *Links) Limit(kind Kind, maxBytes int) error {
	if err := payloadLimit(kind, maxBytes); err != nil {
		return err
	}
	h, ok := (*l.handlers.Load())[kind]
	if !ok {
		return fmt.Errorf("limit kind %d: it has no handler", kind)
	}
	h.maxBytes.Store(int64(maxBytes))
	return nil
}

func payloadLimit(kind Kind, maxBytes int) error {
	if maxBytes < 0 || maxBytes > PayloadBytesMax {
		return fmt.Errorf("limit kind %d to %d bytes: a limit is 0 to %d", kind, maxBytes, PayloadBytesMax)
	}
	return nil
}
