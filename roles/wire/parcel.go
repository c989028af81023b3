package wire

import (
	"ganglion/roles"
)

// fieldMessages is the one of wirepb.Parcel that holds messages.
const fieldMessages = 1

// The fields of wirepb.Message, which tell one sort of message from another.
const (
	aHeartbeat = iota + 1
	aHeartbeatAck
	aScores
	anAsk
	aFeatures
	aProposals
	aSealBatch
	aSealAck
	aRequest
	aStale
	aStillHeard
	aStillHeardAnswer
	aClaiming
	aClaimAnswer
	aHandOver
	aLeaving
	lastOfSorts = aLeaving
)

// Ends are the two ends of a link, which both know: the parcels between them name neither.
// The zero Ends are of a parcel that says all itself.
type Ends struct{ From, To roles.Peer }

// names is the table that both ends begin with: the sender is peer 1, the receiver 2.
func (n Ends) names() names {
	if n == (Ends{}) {
		return names{}
	}
	return names{peers: []roles.Peer{n.From, n.To}}
}

// EncodeParcel puts messages to one peer, in their order, into one payload. What is local
// to the sender does not travel: when an observation was captured, and its features.
func EncodeParcel(ms []roles.Message) []byte { return Ends{}.EncodeParcel(ms) }

// EncodeParcels is [Ends.EncodeParcels] of a parcel that says all itself.
func EncodeParcels(ms []roles.Message, most int) [][]byte { return Ends{}.EncodeParcels(ms, most) }

// DecodeParcel is [Ends.DecodeParcel] of a parcel that says all itself.
func DecodeParcel(payload []byte, limits Limits) ([]roles.Message, error) {
	return Ends{}.DecodeParcel(payload, limits)
}

// encoder is one that begins with what both ends know.
func (n Ends) encoder() encoder {
	known := n.names()
	return encoder{names: known, known: len(known.peers)}
}

// EncodeParcel is the package's, for these ends.
func (n Ends) EncodeParcel(ms []roles.Message) []byte {
	const usual = 512
	e := n.encoder()
	e.b = make([]byte, 0, usual)
	for _, m := range ms {
		e.message(m)
	}
	return e.finish()
}

// EncodeParcels is [Ends.EncodeParcel] into as many payloads as it takes, each of at most a number
// of bytes. A batch of samples that does not fit into one goes in parts, see [Split]; what
// cannot be cut goes alone, however large it is.
func (n Ends) EncodeParcels(ms []roles.Message, most int) [][]byte {
	var out [][]byte
	e := n.encoder()
	begun := 0 // messages in e
	flush := func() {
		if begun > 0 {
			out = append(out, e.finish())
			e, begun = n.encoder(), 0
		}
	}
	var add func(m roles.Message)
	add = func(m roles.Message) {
		if begun == maxMessages {
			flush()
		}
		before := e
		e.message(m)
		if e.size() <= most {
			begun++
			return
		}
		e = before
		if begun > 0 {
			flush()
			add(m)
			return
		}
		a, b := halves(m)
		if a == nil {
			e.message(m)
			begun++
			flush()
			return
		}
		add(a)
		add(b)
	}
	for _, m := range ms {
		add(m)
	}
	flush()
	return out
}

// EncodedBytes is what a message takes of a parcel at most. It is as much work as to encode
// it: [EncodeParcels] cuts parcels without.
func EncodedBytes(m roles.Message) int {
	e := encoder{}
	e.message(m)
	// In a large parcel an index, or a length around it, may take two more bytes.
	return e.size() + 2*(e.references+e.messages)
}

// size is what the frame has at most, once it is finished.
func (e *encoder) size() int { return len(e.b) + e.namesBytes + textBytes + 4 }

// IsFeatures reports whether a message holds features or pixels: those travel in frames of
// a kind with a larger limit.
func IsFeatures(m roles.Message) bool {
	switch m := m.(type) {
	case *roles.Features:
		return true
	case *roles.Request:
		return len(m.Inputs) > 0
	}
	return false
}

func (e *encoder) message(m roles.Message) {
	at := e.open(fieldMessages)
	switch m := m.(type) {
	case *roles.Heartbeat:
		e.within(aHeartbeat, func() { e.heartbeat(m) })
	case *roles.HeartbeatAck:
		e.within(aHeartbeatAck, func() { e.numbered(m.Role, m.Epoch, m.Number) })
	case *roles.Scores:
		e.within(aScores, func() { e.scores(m) })
	case *roles.Ask:
		e.within(anAsk, func() { e.ask(m) })
	case *roles.Features:
		e.within(aFeatures, func() { e.features(m) })
	case *roles.Proposals:
		e.within(aProposals, func() { e.proposals(m) })
	case *roles.SealBatch:
		e.within(aSealBatch, func() { e.sealBatch(m) })
	case *roles.SealAck:
		e.within(aSealAck, func() { e.numbered(m.Role, m.Epoch, m.Number) })
	case *roles.Request:
		e.within(aRequest, func() { e.request(m) })
	case *roles.Stale:
		e.within(aStale, func() { e.numbered(m.Role, m.Epoch, 0) })
	case *roles.StillHeard:
		e.within(aStillHeard, func() { e.numbered(m.Role, m.Epoch, 0) })
	case *roles.StillHeardAnswer:
		e.within(aStillHeardAnswer, func() { e.stillHeardAnswer(m) })
	case *roles.Claiming:
		e.within(aClaiming, func() { e.claiming(m) })
	case *roles.ClaimAnswer:
		e.within(aClaimAnswer, func() { e.claimAnswer(m) })
	case *roles.HandOver:
		e.within(aHandOver, func() { e.numbered(m.Role, m.Epoch, 0) })
	case *roles.Leaving:
		e.within(aLeaving, func() {})
	}
	e.close(at)
}

// within writes a message around what write writes.
func (e *encoder) within(n int, write func()) {
	at := e.open(n)
	write()
	e.close(at)
}

// DecodeParcel reads a parcel: all of it or, where anything of it is refused, nothing. The
// error wraps [ErrMalformed] and says which message, and which field. Messages of sorts that
// this version does not know are passed over; [Unknown] counts them. What is returned
// shares no memory with payload.
func (n Ends) DecodeParcel(payload []byte, limits Limits) ([]roles.Message, error) {
	d := decoder{limits: limits.orFormat(), names: n.names()}
	d.readNames(payload)
	var out []roles.Message
	messages := 0
	c := cursor{d: &d, rest: payload}
	for c.next() {
		if c.num != fieldMessages || !d.room(messages, maxMessages, "messages") {
			continue
		}
		if m := c.readMessage(messages); m != nil {
			out = append(out, m)
		}
		messages++
	}
	if d.err != nil {
		return nil, d.err
	}
	return out, nil
}

// Unknown is how many messages of a parcel are of sorts that this version does not know.
func Unknown(payload []byte) int {
	d := decoder{}
	n := 0
	c := cursor{d: &d, rest: payload}
	for c.next() {
		if c.num != fieldMessages {
			continue
		}
		known := false
		of := cursor{d: &d, rest: c.message()}
		for of.next() {
			known = known || of.num <= lastOfSorts
		}
		if !known {
			n++
		}
	}
	return n
}

// readMessage reads one message; nil where its sort is not known.
func (c *cursor) readMessage(i int) (m roles.Message) {
	d := c.d
	of := d.enter("message", i, c.message())
	for of.next() {
		if of.num > lastOfSorts {
			continue
		}
		if m != nil {
			d.failf("two messages in one")
			break
		}
		body := d.enter(nameOf(of.num), -1, of.message())
		m = body.read(of.num)
		d.leave()
	}
	d.leave()
	return m
}

func (c *cursor) read(sort int) roles.Message {
	switch sort {
	case aHeartbeat:
		return c.heartbeat()
	case aHeartbeatAck:
		m := c.numbered()
		return &roles.HeartbeatAck{Role: m.role, Epoch: m.epoch, Number: m.number}
	case aScores:
		return c.scores()
	case anAsk:
		return c.ask()
	case aFeatures:
		return c.features()
	case aProposals:
		return c.proposals()
	case aSealBatch:
		return c.sealBatch()
	case aSealAck:
		m := c.numbered()
		return &roles.SealAck{Role: m.role, Epoch: m.epoch, Number: m.number}
	case aRequest:
		return c.request()
	case aStale:
		m := c.numbered()
		return &roles.Stale{Role: m.role, Epoch: m.epoch}
	case aStillHeard:
		m := c.numbered()
		return &roles.StillHeard{Role: m.role, Epoch: m.epoch}
	case aStillHeardAnswer:
		return c.stillHeardAnswer()
	case aClaiming:
		return c.claiming()
	case aClaimAnswer:
		return c.claimAnswer()
	case aHandOver:
		m := c.numbered()
		return &roles.HandOver{Role: m.role, Epoch: m.epoch}
	default: // aLeaving
		for c.next() { // of a version that says more
			continue
		}
		return &roles.Leaving{}
	}
}

// nameOf is a sort of message, for errors.
func nameOf(sort int) string {
	names := [...]string{
		aHeartbeat: "heartbeat", aHeartbeatAck: "heartbeat_ack", aScores: "scores", anAsk: "ask",
		aFeatures: "features", aProposals: "proposals", aSealBatch: "seal_batch", aSealAck: "seal_ack",
		aRequest: "request", aStale: "stale", aStillHeard: "still_heard",
		aStillHeardAnswer: "still_heard_answer", aClaiming: "claiming", aClaimAnswer: "claim_answer",
		aHandOver: "hand_over", aLeaving: "leaving",
	}
	return names[sort]
}
