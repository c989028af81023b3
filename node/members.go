package node

import (
	"context"
	"slices"
	"time"

	"ganglion/inference"
	"ganglion/mesh"
	"ganglion/mesh/membership"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// memberState is a member as the engine knows it: what membership says, and its record.
type memberState struct {
	mesh.Member
	peer   roles.Peer
	self   bool
	up     bool         // the framed link to it
	record *wire.Record // nil: none has arrived that is well formed
}

// name is what people call the member.
func (m *memberState) name() string {
	if m.Record != nil && m.Record.Name != "" {
		return m.Record.Name
	}
	return mesh.MemberID(m.peer).Short()
}

// alive reports whether the member counts: as a voter and as a holder.
func (m *memberState) alive() bool {
	return m.State == membership.StateAlive || m.State == membership.StateSuspect
}

// refreshMembers takes the members anew: who is there, who has which view, what each says.
func (e *engine) refreshMembers(ctx context.Context) {
	now := e.now()
	before := e.members
	e.members = nil
	for _, m := range e.mesh.Members() {
		s := memberState{Member: m, peer: roles.Peer(m.ID), self: m.Self, up: m.Self || e.mesh.Up(m.ID)}
		// A node that has just started has told of its addresses, and not yet of itself.
		if m.Record != nil && len(m.Record.Payload) > 0 && !m.Self {
			record, err := wire.DecodeRecord(m.Record.Payload)
			if err != nil {
				e.counters.refuse(m.ID, err)
			}
			s.record = record
		}
		e.members = append(e.members, s)
	}
	e.watching.members(before, e.members)
	others := 0
	for i := range e.members {
		if m := &e.members[i]; !m.self && m.alive() && m.record != nil {
			others++
		}
	}
	e.views.seen(now, others)
	e.settleViews(now)
	e.roles.SetMembers(now, e.electors(), &e.fx)
	e.reserved.saw(ctx, e.highestClaim(), e.group.Go)
	e.roles.Forget(func(p roles.Peer) bool {
		return slices.ContainsFunc(e.members, func(m memberState) bool { return m.peer == p })
	})
	e.plan.membersChanged(ctx)
}

// electors is the live members other than this node, as elections see them.
func (e *engine) electors() []roles.Member {
	var out []roles.Member
	for i := range e.members {
		m := &e.members[i]
		if m.self || !m.alive() || m.record == nil {
			continue
		}
		var views uint64
		for v, p := range e.views.holders(m.record.Site) {
			if p == m.peer {
				views |= 1 << v
			}
		}
		out = append(out, roles.Member{
			Peer: m.peer, Site: m.record.Site, Views: views, Feeds: m.record.Feeds, Eligible: m.record.Eligible, Pinned: m.record.Pinned,
			Class: m.record.Class, Stands: m.record.Stands, Claims: m.record.Claims, Bundles: m.record.Bundles, Settings: m.record.Settings,
		})
	}
	return out
}

// recordPace is how often a record changes at most: what is urgent in it, claims, is told
// by heartbeats as well.
const recordPace = 100 * time.Millisecond

// ownRecord is what this node says of itself.
func (e *engine) ownRecord() *wire.Record {
	return &wire.Record{
		Site: e.config.Site, Views: e.views.held, Wants: e.views.wanting(),
		Eligible: e.roles.Eligible, Pinned: e.roles.Pinned, Class: e.roles.Class, Stands: e.plan.stands,
		Claims: e.roles.Claims(), Bundles: e.plan.loaded(), Version: e.config.Version, Live: e.roles.Live, Feeds: e.roles.Feeds,
		Data: e.views.data(), CloudDelay: e.config.CloudDelay, Chaos: e.config.AllowChaos, Settings: e.plan.settings(e.plan.wanted),
	}
}

// tell puts the node's record into the mesh where it changed.
func (e *engine) tell(ctx context.Context, now roles.Instant) {
	if now.Sub(e.plan.toldAt) < recordPace {
		return
	}
	e.plan.toldAt = now
	payload := wire.EncodeRecord(e.ownRecord())
	if slices.Equal(payload, e.plan.told) {
		return
	}
	e.plan.told = payload
	if err := e.mesh.SetRecord(payload); err != nil {
		e.log.WarnContext(ctx, "record not told", "error", err)
	}
	e.mesh.SetClaim(e.highestClaim())
}

// highestClaim is the highest counter of a claim that this node knows of, of any role.
func (e *engine) highestClaim() (highest uint64) {
	for _, epoch := range e.roles.Seen() { // a maximum does not depend on the order
		highest = max(highest, epoch.Counter)
	}
	return highest
}

// replayed is the hash of the data set that all live views of the site replay; zero where
// there are cameras among them, or several data sets.
func (e *engine) replayed() (hash [32]byte) {
	some := false
	add := func(data [32]byte) bool {
		same := !some || data == hash
		some, hash = true, data
		return same
	}
	if len(e.views.held) > 0 {
		add(e.views.data())
	}
	for i := range e.members {
		m := &e.members[i]
		if m.self || !m.alive() || m.record == nil || m.record.Site != e.config.Site || len(m.record.Views) == 0 {
			continue
		}
		if !add(m.record.Data) {
			return [32]byte{}
		}
	}
	return hash
}

// nameOf is what people call a peer.
func (e *engine) nameOf(p roles.Peer) string {
	for i := range e.members {
		if e.members[i].peer == p {
			return e.members[i].name()
		}
	}
	return mesh.MemberID(p).Short()
}

// has is the live members that say they have a bundle.
func (e *engine) has(id inference.BundleID) []roles.Peer {
	var out []roles.Peer
	for i := range e.members {
		m := &e.members[i]
		if !m.self && m.alive() && m.record != nil && slices.Contains(m.record.Bundles, id) {
			out = append(out, m.peer)
		}
	}
	return out
}
