package link

import "fmt"

// Message is a frame that came from a peer. It may be copied, and a request answered
// after the handler has returned and from any goroutine.
type Message struct {
	From Peer
	Kind Kind
	// Payload is valid until the handler returns, and must not be changed.
	Payload []byte

	session *session
	request uint64
}

// IsRequest tells whether the peer waits for a reply.
func (m Message) IsRequest() bool { return m.request != 0 }

// Reply queues the answer to a request. It does not block. Only the first answer is
// heard; what is no request has none. The errors are those of [Links.Send].
func (m Message) Reply(payload []byte) error {
	if !m.IsRequest() {
		return nil
	}
	if len(payload) > PayloadBytesMax {
		err := error(&SizeError{Kind: m.Kind, PayloadBytes: len(payload), MaxBytes: PayloadBytesMax})
		if failed := m.answer(StatusFailed, nil); failed != nil {
			err = fmt.Errorf("%w, and: %w", err, failed)
		}
		return err
	}
	return m.answer(StatusOK, payload)
}

// Refuse answers a request with a reason for people, which is cut at
// [ReasonBytesMax]. The requester gets a *[RefusedError].
func (m Message) Refuse(reason string) error {
	if !m.IsRequest() {
		return nil
	}
	return m.answer(StatusRefused, []byte(reason[:min(len(reason), ReasonBytesMax)]))
}

func (m Message) answer(status Status, payload []byte) error {
	err := m.session.queue(header{kind: m.Kind, reply: m.request, status: status}, payload)
	if err != nil {
		return fmt.Errorf("reply to kind %d of %s: %w", m.Kind, m.From, err)
	}
	return nil
}
