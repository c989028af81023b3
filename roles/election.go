package roles

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"ganglion/inference"
)

// ClassStands is how long a member's class must have stood before it displaces a
// holder.
const ClassStands = 30 * time.Second

// KindSet is a set of role kinds.
type KindSet uint8

// Kinds makes a set.
func Kinds(kinds ...RoleKind) KindSet {
	var s KindSet
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has reports whether the kind is in the set.
func (s KindSet) Has(k RoleKind) bool { return s>>k&1 == 1 }

// Claim is a member's claim to a role, as its record or its heartbeat tells it.
type Claim struct {
	Role   Role
	Epoch  Epoch
	Lonely bool // it was made where there was no other member, and none has accepted it since
}

// Member is what an election knows of one node.
type Member struct {
	Peer     Peer
	Site     Site
	Views    uint64  // views that it holds, bit v for view v
	Feeds    bool    // it has sources, and so views, or will have once it knows which are free
	Eligible KindSet // CloudKind and AggregatorKind, as its configuration allows
	Pinned   KindSet // kinds for which the operator chose it
	Class    Class
	Stands   bool // the class has not changed for ClassStands
	Claims   []Claim
	Bundles  []inference.BundleID // that it has loaded; no election looks at them
	Settings uint64               // that it has of the bundle that it wants; no election looks at them
}

// Electorate is everything that an election depends on. Nodes with equal electorates
// elect alike.
type Electorate struct {
	Mesh    string        // fingerprint of the mesh
	Groups  [][]int       // of the topology: the views of each group
	Members []Member      // in any order, each peer once
	Down    map[Peer]bool // peers that this node finds down: they neither hold nor follow
}

// Assignment is what an election says of one role.
type Assignment struct {
	Role       Role
	Claim      Claim  // in force; zero: nobody holds the role
	Order      []Peer // everyone who could hold it, best first, the holder included
	Challenger Peer   // who ought to claim it now; empty: the holder stays
}

// Holder is who has the role; empty: nobody.
func (a *Assignment) Holder() Peer { return a.Claim.Epoch.Peer }

// Standbys is who follows the holder, best first.
func (a *Assignment) Standbys() []Peer {
	return slices.DeleteFunc(slices.Clone(a.Order), func(p Peer) bool { return p == a.Holder() })
}

// Elect evaluates every role of the mesh, in the order of [Role.Compare].
//
// The holder of a role is the eligible member with the highest claim. A lonely claim
// counts only where all are lonely, and there the first in the order has it. Nothing
// else moves a role from its holder; where someone outranks it by a pin, or by a class
// that stands, that member is the challenger and the holder goes on until it has
// claimed, so that no role is empty between the two. Without a holder the first in the
// order is the challenger.
//
// The order is: the view's own device for a group of one view (its local exit then
// needs no network), operator pin, capability class, holds no view, holds no other
// role, rendezvous hash. Who "holds another role" would be a circle; it is cut by two
// passes. First every holder is found, which needs no order but between lonely claims.
// Then the roles are ordered one by one, and the challenger of a vacant role counts as
// its holder for the roles behind it.
//
// A coordinator of several groups is not elected: the order is the cloud's holder, then
// the aggregators by group, and each outranks those behind it.
func Elect(e *Electorate) []Assignment {
	el := newElection(e)
	out := make([]Assignment, 0, len(el.roles))
	for _, role := range el.roles {
		out = append(out, el.assign(role))
	}
	return out
}

// election is one evaluation.
type election struct {
	*Electorate
	members []*Member       // those not down, by peer
	roles   []Role          // by Role.Compare
	duties  map[Peer][]Role // that a member has or is about to have
	has     map[Role]Peer   // who that is, of the roles evaluated
}

func newElection(e *Electorate) *election {
	el := &election{Electorate: e, duties: map[Peer][]Role{}, has: map[Role]Peer{}}
	for i := range e.Members {
		if m := &e.Members[i]; !e.Down[m.Peer] {
			el.members = append(el.members, m)
		}
	}
	slices.SortFunc(el.members, func(a, b *Member) int { return cmp.Compare(a.Peer, b.Peer) })
	el.roles = []Role{CloudRole()}
	seen := map[Site]bool{}
	for _, m := range el.members {
		if seen[m.Site] || m.Views == 0 && !slices.ContainsFunc(m.Claims, func(c Claim) bool { return c.Role.Site == m.Site }) {
			continue // a site is where a view is, and while somebody finishes what is left of it
		}
		seen[m.Site] = true
		for g := range e.Groups {
			el.roles = append(el.roles, AggregatorOf(m.Site, g))
		}
		if len(e.Groups) > 1 {
			el.roles = append(el.roles, CoordinatorOf(m.Site, len(e.Groups)))
		}
	}
	slices.SortFunc(el.roles, Role.Compare)
	claimed := el.claimed()
	for _, role := range el.roles {
		if c := strongest(claimed[role]); !c.Epoch.IsZero() && !c.Lonely {
			el.duties[c.Epoch.Peer] = append(el.duties[c.Epoch.Peer], role)
		}
	}
	return el
}

// claimed is every claim of an eligible member to a role that it may hold.
func (el *election) claimed() map[Role][]Claim {
	out := map[Role][]Claim{}
	for _, m := range el.members {
		for _, c := range m.Claims {
			if c.Epoch.Peer == m.Peer && el.may(m, c.Role) {
				out[c.Role] = append(out[c.Role], c)
			}
		}
	}
	return out
}

// may reports whether a member may hold a role.
func (el *election) may(m *Member, r Role) bool {
	switch r.Kind {
	case CloudKind:
		return m.Eligible.Has(CloudKind)
	case AggregatorKind:
		return m.Eligible.Has(AggregatorKind) && m.Site == r.Site
	default:
		// Whoever has the cloud or a group may coordinate, and keeps the claim when it
		// loses that role until a challenger takes it.
		return m.Eligible.Has(CloudKind) || m.Eligible.Has(AggregatorKind) && m.Site == r.Site
	}
}

// strongest is the highest claim, one that is not lonely before any that is; the
// zero Claim where there is none.
func strongest(claims []Claim) Claim {
	var best Claim
	for _, c := range claims {
		if best.Epoch.IsZero() || best.Lonely && !c.Lonely ||
			best.Lonely == c.Lonely && best.Epoch.Below(c.Epoch) {
			best = c
		}
	}
	return best
}

// assign evaluates one role; the roles before it have been.
func (el *election) assign(role Role) Assignment {
	a := Assignment{Role: role}
	ranks := el.rank(role)
	var claims []Claim
	for _, r := range ranks {
		a.Order = append(a.Order, r.member.Peer)
		for _, c := range r.member.Claims {
			if c.Role == role && c.Epoch.Peer == r.member.Peer {
				claims = append(claims, c)
			}
		}
	}
	a.Claim = strongest(claims)
	if a.Claim.Lonely {
		a.Claim = claims[0] // all are lonely: the order decides
	}
	a.Challenger = challenger(ranks, claims, &a)
	if p := cmp.Or(a.Challenger, a.Holder()); p != "" {
		el.has[role] = p
		if !slices.Contains(el.duties[p], role) {
			el.duties[p] = append(el.duties[p], role)
		}
	}
	return a
}

// challenger is the first in the order where the role is vacant or that member
// outranks the holder; else the holder itself where its claim is not the highest.
func challenger(ranks []rank, claims []Claim, a *Assignment) Peer {
	if len(ranks) == 0 {
		return ""
	}
	first := &ranks[0]
	i := slices.IndexFunc(ranks, func(r rank) bool { return r.member.Peer == a.Holder() })
	if i < 0 || first.outranks(&ranks[i]) {
		return first.member.Peer
	}
	if slices.ContainsFunc(claims, func(c Claim) bool { return a.Claim.Epoch.Below(c.Epoch) }) {
		return a.Holder()
	}
	return ""
}

// rank is where a member stands in the order of one role.
type rank struct {
	member   *Member
	follows  int // of a coordinator: the place of the role that it follows; else 0
	home     bool
	pinned   bool
	noView   bool
	noDuty   bool
	weight   uint64
	anyClass bool // the class plays no part
}

// rank orders everyone who may hold the role, best first.
func (el *election) rank(role Role) []rank {
	var out []rank
	for _, m := range el.members {
		if !el.may(m, role) {
			continue
		}
		r := rank{
			member: m, pinned: m.Pinned.Has(role.Kind), noView: m.Views == 0 && !m.Feeds,
			noDuty: !el.hasOther(m.Peer, role),
		}
		if role.Kind == AggregatorKind && role.Group < len(el.Groups) && len(el.Groups[role.Group]) == 1 {
			r.home = m.Views>>el.Groups[role.Group][0]&1 == 1
		}
		if role.Kind == CoordinatorKind {
			r.anyClass, r.follows = true, el.follows(m.Peer, role.Site)
			if m.Site != role.Site && r.follows > 0 && !claims(m, role) {
				continue // of another site, and without the cloud
			}
		}
		r.weight = rendezvous(el.Mesh, role, m.Peer)
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b rank) int { return a.compare(&b) })
	return out
}

// claims reports whether a member has a claim to the role.
func claims(m *Member, role Role) bool {
	return slices.ContainsFunc(m.Claims, func(c Claim) bool { return c.Role == role && c.Epoch.Peer == m.Peer })
}

// follows is the place of a member in the order of a coordinator: of the cloud's
// holder 0, of the aggregator of group g it is g + 1, of others behind those.
func (el *election) follows(p Peer, site Site) int {
	if el.has[CloudRole()] == p {
		return 0
	}
	for g := range el.Groups {
		if el.has[AggregatorOf(site, g)] == p {
			return g + 1
		}
	}
	return len(el.Groups) + 1
}

// hasOther reports whether a member has, or is about to have, another role.
func (el *election) hasOther(p Peer, role Role) bool {
	return slices.ContainsFunc(el.duties[p], func(r Role) bool { return r != role })
}

func (r *rank) compare(s *rank) int {
	c := cmp.Or(cmp.Compare(r.follows, s.follows), yes(r.home, s.home), yes(r.pinned, s.pinned))
	if c == 0 && !r.anyClass {
		c = cmp.Compare(s.member.Class, r.member.Class)
	}
	return cmp.Or(c, yes(r.noView, s.noView), yes(r.noDuty, s.noDuty),
		cmp.Compare(s.weight, r.weight), cmp.Compare(r.member.Peer, s.member.Peer))
}

// outranks reports whether r takes the role from its holder s.
func (r *rank) outranks(s *rank) bool {
	if c := cmp.Or(cmp.Compare(r.follows, s.follows), yes(r.home, s.home), yes(r.pinned, s.pinned)); c != 0 {
		return c < 0
	}
	return !r.anyClass && r.member.Class > s.member.Class && r.member.Stands
}

// yes orders true before false.
func yes(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// rendezvous is the weight of a member for a role: the highest random weight of
// Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998, so
// that a member that comes or goes moves only what it has.
func rendezvous(mesh string, role Role, p Peer) uint64 {
	var buffer [128]byte
	b := buffer[:0]
	for _, part := range []string{mesh, string(role.Site), string(p)} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	b = append(b, byte(role.Kind))
	b = binary.AppendUvarint(b, uint64(role.Group))
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}
