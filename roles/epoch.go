package roles

import (
	"cmp"
	"fmt"
)

// Peer is a node's identity. Its bytes are opaque here; they are compared and hashed.
type Peer string

// MaxCounter is the highest counter of a claim: the largest that every JSON reader
// keeps exactly. A claim a nanosecond would not reach it in a hundred days, and a
// counter beyond it is refused at the border.
const MaxCounter = 1<<53 - 1

// Epoch numbers a holder's claim to one role. Epochs of one role are totally ordered;
// those of two roles are never compared. The zero value is below every claim and
// stands for none.
type Epoch struct {
	Counter uint64 // from 1
	Peer    Peer   // the claimant
}

// Compare orders epochs by counter, then by claimant: negative where e is the lower.
func (e Epoch) Compare(f Epoch) int {
	if c := cmp.Compare(e.Counter, f.Counter); c != 0 {
		return c
	}
	return cmp.Compare(e.Peer, f.Peer)
}

// Below reports whether f is the higher claim.
func (e Epoch) Below(f Epoch) bool { return e.Compare(f) < 0 }

// IsZero reports whether there is no claim.
func (e Epoch) IsZero() bool { return e == Epoch{} }

// Next is the epoch under which a peer claims a role of which it has seen e, and
// nothing higher.
func (e Epoch) Next(by Peer) Epoch {
	return Epoch{Counter: min(e.Counter+1, MaxCounter), Peer: by}
}

// Validate reports an epoch that no claimant makes. The zero value is valid.
func (e Epoch) Validate() error {
	switch {
	case e.IsZero():
		return nil
	case e.Counter == 0 || e.Counter > MaxCounter:
		return fmt.Errorf("epoch: counter %d is not in 1 to %d", e.Counter, uint64(MaxCounter))
	case e.Peer == "":
		return fmt.Errorf("epoch %d: no claimant", e.Counter)
	}
	return nil
}

func (e Epoch) String() string { return fmt.Sprintf("%d/%q", e.Counter, string(e.Peer)) }

// higher is the higher of two epochs.
func higher(e, f Epoch) Epoch {
	if e.Below(f) {
		return f
	}
	return e
}

// RoleKind is a kind of role.
type RoleKind uint8

// The kinds of roles, in the order in which an election fills them.
const (
	CloudKind       RoleKind = iota + 1 // runs the last section; one of the mesh
	AggregatorKind                      // runs a group's local exit and edge section; one of a group
	CoordinatorKind                     // opens, seals and publishes a site's samples, see CoordinatorOf
	lastOfKinds     = CoordinatorKind
)

func (k RoleKind) String() string {
	switch k {
	case CloudKind:
		return "cloud"
	case AggregatorKind:
		return "aggregator"
	case CoordinatorKind:
		return "coordinator"
	}
	return fmt.Sprintf("unknown(%d)", uint8(k))
}

// Role is one role of a mesh: what claims are about. It is comparable.
type Role struct {
	Kind  RoleKind
	Site  Site // of an aggregator or a coordinator
	Group int  // of an aggregator
}

// CloudRole is the mesh's role of running the last tier.
func CloudRole() Role { return Role{Kind: CloudKind} }

// AggregatorOf is the role of a group's aggregator.
func AggregatorOf(site Site, group int) Role {
	return Role{Kind: AggregatorKind, Site: site, Group: group}
}

// CoordinatorOf is the role whose claim fences a site's seals. With one group it is
// the aggregator's own: the coordinator is the aggregator. With several the
// coordinator moves between the cloud's holder and an aggregator, whose claims cannot
// be compared, so that it has a claim of its own.
func CoordinatorOf(site Site, groups int) Role {
	if groups == 1 {
		return AggregatorOf(site, 0)
	}
	return Role{Kind: CoordinatorKind, Site: site}
}

// Compare orders roles as an election fills them.
func (r Role) Compare(s Role) int {
	return cmp.Or(cmp.Compare(r.Kind, s.Kind), cmp.Compare(r.Site, s.Site), cmp.Compare(r.Group, s.Group))
}

// Validate reports a role that no mesh has.
func (r Role) Validate() error {
	switch {
	case r.Kind == 0 || r.Kind > lastOfKinds:
		return fmt.Errorf("role: kind %s", r.Kind)
	case r.Kind != AggregatorKind && r.Group != 0, r.Group < 0:
		return fmt.Errorf("role %s: group %d", r.Kind, r.Group)
	case r.Kind == CloudKind && r.Site != "":
		return fmt.Errorf("role %s: site %s, the mesh has one cloud", r.Kind, r.Site)
	case r.Kind != CloudKind:
		return r.Site.Validate()
	}
	return nil
}

// String is cloud, aggregator/site/group or coordinator/site.
func (r Role) String() string {
	switch r.Kind {
	case CloudKind:
		return r.Kind.String()
	case AggregatorKind:
		return fmt.Sprintf("%s/%s/%d", r.Kind, r.Site, r.Group)
	default:
		return fmt.Sprintf("%s/%s", r.Kind, r.Site)
	}
}
