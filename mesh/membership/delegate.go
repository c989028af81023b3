package membership

import (
	"errors"
	"fmt"
	"net"
	"time"

	"ganglion/mesh/secret"

	"github.com/hashicorp/memberlist"
)

// delegate is what memberlist calls, mostly under its lock: nothing here blocks or
// calls it back.
type delegate struct{ m *Membership }

var (
	_ memberlist.Delegate         = delegate{}
	_ memberlist.EventDelegate    = delegate{}
	_ memberlist.AliveDelegate    = delegate{}
	_ memberlist.MergeDelegate    = delegate{}
	_ memberlist.ConflictDelegate = delegate{}
	_ memberlist.PingDelegate     = delegate{}
)

// NodeMeta returns the meta, which is never longer than limit.
func (d delegate) NodeMeta(int) []byte { return d.m.own.current() }

// NotifyMsg refuses the application's messages: there are none.
func (d delegate) NotifyMsg([]byte) {}

// GetBroadcasts returns none.
func (d delegate) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState returns what goes with a push/pull.
func (d delegate) LocalState(join bool) []byte { return d.m.encodeState(join) }

// MergeRemoteState takes over what came with a push/pull.
func (d delegate) MergeRemoteState(data []byte, _ bool) {
	state, err := decodeState(data)
	if err != nil {
		d.m.faults.count("", faultState, err)
		return
	}
	d.m.mergeState("", state)
}

// NotifyAlive lets a member in, or a newer meta of one.
func (d delegate) NotifyAlive(node *memberlist.Node) error {
	id, err := secret.ParseMemberID(node.Name)
	if err != nil {
		err = fmt.Errorf("name of member: %w: %w", ErrMalformed, err)
		d.m.faults.count("", faultMeta, err)
		return err
	}
	if !node.Addr.Equal(net.ParseIP(nominalIP)) || node.Port != nominalPort {
		err := fmt.Errorf("member %s at %v port %d, not %s port %d: %w", id, node.Addr, node.Port, nominalIP, nominalPort, ErrMalformed)
		d.m.faults.count(id, faultMeta, err)
		return err
	}
	if id == d.m.identity.ID() {
		return d.heardOwn(node.Meta)
	}
	err = d.m.roster.heard(id, node.Meta, time.Now())
	d.countMeta(id, err)
	return err
}

func (d delegate) heardOwn(raw []byte) error {
	again, err := d.m.own.heard(raw)
	if again {
		wake(d.m.republish)
	}
	d.countMeta(d.m.identity.ID(), err)
	return err
}

// countMeta notes a fault. That news arrives late, or of a denied peer, is none.
func (d delegate) countMeta(id MemberID, err error) {
	cloned := (*CloneError)(nil)
	switch {
	case err == nil || errors.Is(err, ErrDenied):
	case errors.Is(err, ErrStale):
		d.m.stale.Add(1)
	case errors.As(err, &cloned):
		d.m.faults.count(id, faultClone, err)
		d.m.signals.raise()
	default:
		d.m.faults.count(id, faultMeta, err)
	}
}

// NotifyMerge looks for news of this node in what another has when one joins the
// other: of a node that it takes for dead memberlist tells nobody else.
func (d delegate) NotifyMerge(nodes []*memberlist.Node) error {
	for _, n := range nodes {
		if n.Name == string(d.m.identity.ID()) && len(n.Meta) > 0 {
			_ = d.heardOwn(n.Meta) // counted there; the rest of the state is not at fault
		}
	}
	return nil
}

// NotifyJoin notes a member that is alive now.
func (d delegate) NotifyJoin(n *memberlist.Node) {
	if n.Name == string(d.m.identity.ID()) {
		d.m.announced(n.Meta)
		return
	}
	d.m.roster.joined(MemberID(n.Name), time.Now())
}

// NotifyUpdate notes that a meta took effect.
func (d delegate) NotifyUpdate(n *memberlist.Node) {
	if n.Name == string(d.m.identity.ID()) {
		d.m.announced(n.Meta)
	}
}

// NotifyLeave notes a member that is dead or left.
func (d delegate) NotifyLeave(n *memberlist.Node) {
	d.m.roster.died(MemberID(n.Name), time.Now())
}

// NotifyConflict is never called: all nodes have one address.
func (d delegate) NotifyConflict(existing, other *memberlist.Node) {
	d.m.log.Error("conflicting addresses", "member", existing.Name, "address", existing.Address(), "other", other.Address())
}

// AckPayload returns none.
func (d delegate) AckPayload() []byte { return nil }

// NotifyPingComplete notes the worst round trip.
func (d delegate) NotifyPingComplete(n *memberlist.Node, roundTrip time.Duration, _ []byte) {
	d.m.pinged(MemberID(n.Name), roundTrip)
}
