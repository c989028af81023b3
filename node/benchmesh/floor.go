package benchmesh

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net"
	"sync"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// Floor is the aggregator of the floor: it asks devices over plain TCP, one sample at a
// time. It has one owner.
type Floor struct {
	bundle  *inference.Bundle
	network *roles.ModelNetwork
	role    roles.Role
	epoch   roles.Epoch
	number  uint64
	conns   []net.Conn
	answers chan floorAnswer
	reading sync.WaitGroup
	frame   []byte
}

// floorAnswer is what a device said, or why nothing can be read from it any more.
type floorAnswer struct {
	messages []roles.Message
	err      error
}

// floorPeer is the name of the aggregator in what it sends: as long as a node's identity.
const floorPeer = "12D3KooWFloorFloorFloorFloorFloorFloorFloorFloorFlo"

// floorWait is how long the devices have for one sample.
const floorWait = 10 * time.Second

// DialFloor connects to the devices at these addresses. Close ends it.
func DialFloor(ctx context.Context, b *inference.Bundle, addresses []string) (*Floor, error) {
	f := &Floor{
		bundle: b, network: roles.NewModelNetwork(b.Model()), role: roles.AggregatorOf("default", 0),
		epoch: roles.Epoch{Counter: 1, Peer: floorPeer}, answers: make(chan floorAnswer, 2*len(addresses)),
	}
	for _, a := range addresses {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp4", a)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("reach floor device: %w", err)
		}
		f.conns = append(f.conns, conn)
		f.reading.Go(func() { f.read(conn) })
	}
	return f, nil
}

// Close ends all connections.
func (f *Floor) Close() {
	for _, c := range f.conns {
		_ = c.Close() // nothing is under way
	}
	f.reading.Wait()
}

// read passes on what one device says, and why it ends. A device says one thing to each frame that it gets,
// and gets the next when all have answered, so that there is always room for the answer.
func (f *Floor) read(conn net.Conn) {
	in := bufio.NewReader(conn)
	var payload []byte
	for {
		var a floorAnswer
		if payload, a.err = readFrame(in, payload); a.err == nil {
			a.messages, a.err = wire.DecodeParcel(payload, wire.Limits{})
		}
		select {
		case f.answers <- a:
		default: // nobody waits: the connection was closed
			if a.err == nil {
				_ = conn.Close() // a device that says more than it was asked for
			}
		}
		if a.err != nil {
			return
		}
	}
}

// Ask has the devices look at a sample and store its seal. It returns how long that took,
// and the verdict. A sample that does not exit locally is an error.
func (f *Floor) Ask(ctx context.Context, ref int) (time.Duration, *roles.Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, floorWait)
	defer cancel()
	start := time.Now()
	f.number++
	sample := roles.SampleID{Site: f.role.Site, Request: roles.RequestID(f.number)}
	request := &roles.Request{Role: f.role, Epoch: f.epoch, Capture: roles.Capture{Sample: sample, Bundle: f.bundle.ID(), Ref: ref}}
	v := &roles.Verdict{
		Sample: sample, Epoch: f.epoch, Bundle: f.bundle.ID(), Ref: ref, Label: -1,
		Aggregators: []roles.Peer{floorPeer}, Reasons: map[int]roles.Reason{},
	}
	scores := make([][]float32, len(f.bundle.Topology().Views))
	err := f.round(ctx, request, func(m roles.Message) bool {
		s, ok := m.(*roles.Scores)
		return ok && len(s.Items) == 1 && s.Items[0].Sample == sample && take(v, scores, s.Items[0].Views)
	})
	if err != nil {
		return 0, nil, err
	}
	if v.Views = v.Answer.Seen; v.Views == 0 {
		return 0, nil, fmt.Errorf("ask floor: nothing is in view of sample %d", ref)
	}
	if !f.decide(v, scores) {
		return 0, nil, fmt.Errorf("ask floor: sample %d does not exit locally", ref)
	}
	batch := &roles.SealBatch{Role: f.role, Epoch: f.epoch, Number: f.number, Seals: []*roles.Sealed{roles.Seal(v, wire.EncodeVerdict(v))}}
	err = f.round(ctx, batch, func(m roles.Message) bool {
		a, ok := m.(*roles.SealAck)
		return ok && a.Number == f.number
	})
	return time.Since(start), v, err
}

// take notes what one device saw.
func take(v *roles.Verdict, scores [][]float32, of []roles.ViewResult) bool {
	if len(of) != 1 || of[0].View >= len(scores) || of[0].Reason != roles.NotMissing {
		return false
	}
	one := of[0]
	if !one.Seen {
		v.Answer.Nothing |= 1 << one.View
		return true
	}
	v.Answer.Seen |= 1 << one.View
	scores[one.View] = one.Scores
	return len(one.Scores) > 0
}

// decide aggregates, and tells whether the local exit answers.
func (f *Floor) decide(v *roles.Verdict, scores [][]float32) bool {
	sum := f.network.Local(0, scores, v.Views)
	p := inference.Proposal{
		Exit: topology.ExitLocal, Seen: bits.OnesCount64(v.Views), Scores: sum,
		Class: inference.ArgMax(sum), Entropy: inference.NormalizedEntropy(sum),
	}
	v.Answer.Exit, v.Answer.Class, v.Answer.Proposals = p.Exit, p.Class, []inference.Proposal{p}
	return p.Exits(f.bundle.Thresholds())
}

// errFloor says that a device answered something else than it was asked.
var errFloor = errors.New("a floor device answers out of turn")

// round sends a message to all devices and takes an answer from each.
func (f *Floor) round(ctx context.Context, m roles.Message, take func(roles.Message) bool) error {
	f.frame = appendFrame(f.frame[:0], wire.EncodeParcel([]roles.Message{m}))
	for _, c := range f.conns {
		if _, err := c.Write(f.frame); err != nil {
			return fmt.Errorf("ask floor device: %w", err)
		}
	}
	for range f.conns {
		select {
		case a := <-f.answers:
			switch {
			case a.err != nil:
				return fmt.Errorf("ask floor device: %w", a.err)
			case len(a.messages) != 1 || !take(a.messages[0]):
				return errFloor
			}
		case <-ctx.Done():
			return fmt.Errorf("ask floor device: %w", context.Cause(ctx))
		}
	}
	return nil
}
