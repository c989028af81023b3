package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"

	"ganglion/mesh"
	"ganglion/mesh/link"
	"ganglion/node/chaos"
	"ganglion/proto/controlpb"
	"ganglion/roles"
)

// faultWait is how long a member may take to answer that it takes a fault.
const faultWait = 3 * time.Second

// newBody is what carries faults out at this node; nil: it takes none.
func newBody(e *engine) *chaos.Body {
	if !e.config.AllowChaos {
		return nil
	}
	return chaos.NewBody(chaos.BodyConfig{
		Impair: func(i chaos.Impairment) error { return e.mesh.Impair(link.Impairment(i)) },
		Waker:  e.config.Waker,
		Tell: func(text string, f chaos.Fault, over bool) {
			e.events.tell(eventChaos, text, "do", string(f.Do), "over", fmt.Sprint(over))
		},
		Log: e.log,
	})
}

// Inject does harm to a member on purpose: to this node itself, or by asking the member.
func (a *api) Inject(ctx context.Context, q *controlpb.InjectRequest) (*controlpb.InjectResponse, error) {
	f, err := chaos.FromMessage(q.GetFault())
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	to := roles.Peer(q.GetPeer())
	if to == a.self {
		begins, err := a.takeFault(f)
		if err != nil {
			return nil, connect.NewError(connect.CodeFailedPrecondition, err)
		}
		return &controlpb.InjectResponse{BeginsInNs: int64(begins)}, nil
	}
	known, name := false, ""
	if err := a.inEngine(ctx, func() {
		for i := range a.members {
			known = known || a.members[i].peer == to
		}
		name = a.nameOf(to)
	}); err != nil {
		return nil, err
	}
	if !known {
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("%.80q is no peer of a member: 'ganglion members --json' shows them", q.GetPeer()))
	}
	begins, err := a.injectAt(ctx, to, f)
	if refused := (*link.RefusedError)(nil); errors.As(err, &refused) {
		reason := refused.Reason
		if reason == "" {
			reason = fmt.Sprintf("%s does not know faults: is it of an older version?", name)
		}
		return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New(reason))
	}
	if err != nil {
		return nil, connect.NewError(connect.CodeUnavailable, fmt.Errorf("ask %s to take a fault: %w", name, err))
	}
	return &controlpb.InjectResponse{BeginsInNs: int64(begins)}, nil
}

// injectAt has another node take a fault.
func (e *engine) injectAt(ctx context.Context, to roles.Peer, f chaos.Fault) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, faultWait)
	defer cancel()
	payload, err := chaos.EncodeFault(f)
	if err != nil {
		return 0, err
	}
	reply, err := e.mesh.Request(ctx, mesh.MemberID(to), kindFault, payload, chaos.FrameBytesMax)
	if err != nil {
		return 0, err
	}
	return chaos.DecodeTaken(reply)
}

// takeFault takes a fault into this node, if it takes any.
func (e *engine) takeFault(f chaos.Fault) (begins time.Duration, err error) {
	if e.body == nil {
		return 0, chaos.ErrNotAllowed
	}
	return e.body.Take(f)
}

// serveFault takes a fault that a member sent.
func (e *engine) serveFault(m mesh.Message) {
	f, err := chaos.DecodeFault(m.Payload)
	if err != nil {
		e.counters.refuse(m.From, err)
		e.refuse(m, "malformed fault")
		return
	}
	begins, err := e.takeFault(f)
	if err != nil {
		e.refuse(m, err.Error())
		return
	}
	e.log.Warn("a member injects a fault on purpose", "peer", string(m.From), "fault", f.String())
	answer, err := chaos.EncodeTaken(begins)
	if err != nil {
		e.refuse(m, err.Error())
		return
	}
	e.reply(m, answer)
}

// faults is what is in force at this node, for its status.
func (e *engine) faults() (out []*controlpb.FaultInForce) {
	if e.body == nil {
		return nil
	}
	faults, left := e.body.InForce()
	for i, f := range faults {
		out = append(out, &controlpb.FaultInForce{Fault: f.Message(), LeftNs: int64(left[i])})
	}
	return out
}
