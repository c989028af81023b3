package node

import (
	"fmt"
	"time"

	"ganglion/mesh"
	"ganglion/node/chaos"
	"ganglion/roles"
)

// noticeAgain is after what time the same thing is noticed anew.
const noticeAgain = 5 * time.Second

// noticesKept is how many things are told apart.
const noticesKept = 256

// notices is what this node noticed of late: who is silent, whose connection broke, what it
// claims. It is how a timeline of faults learns who found out what, and when.
type notices struct {
	told     map[string]roles.Instant
	claimed  map[roles.Role]roles.Epoch
	handed   map[roles.Role]roles.Epoch // by a holder that leaves
	silenced map[roles.Role]roles.Epoch // holders that were asked about
}

func newNotices() notices {
	return notices{
		told: map[string]roles.Instant{}, claimed: map[roles.Role]roles.Epoch{},
		handed: map[roles.Role]roles.Epoch{}, silenced: map[roles.Role]roles.Epoch{},
	}
}

// newly reports whether something was not noticed of late.
func (n *notices) newly(now roles.Instant, what string) bool {
	if at, ok := n.told[what]; ok && now.Sub(at) < noticeAgain {
		return false
	}
	if len(n.told) >= noticesKept {
		clear(n.told)
	}
	n.told[what] = now
	return true
}

// broke tells that the connection to a member broke. One that has left ends its own.
func (w *watching) broke(now roles.Instant, p roles.Peer) {
	for i := range w.engine.members {
		m := &w.engine.members[i]
		if m.peer == p && m.alive() && m.Record != nil && w.notices.newly(now, chaos.HowConnection+string(p)) {
			w.engine.events.tell(eventNoticed, fmt.Sprintf("the connection to %s broke", m.name()),
				"peer", string(p), "name", m.name(), "how", chaos.HowConnection)
			return
		}
	}
}

// says looks at what the step machines send for what it says of others.
func (w *watching) says(now roles.Instant, m roles.Message) {
	switch m := m.(type) {
	case *roles.StillHeard:
		w.silent(now, m.Role, m.Epoch)
	case *roles.Claiming:
		if w.notices.claimed[m.Claim.Role] != m.Claim.Epoch {
			w.notices.claimed[m.Claim.Role] = m.Claim.Epoch
			w.claims(m.Claim.Role)
		}
	}
}

// hears looks at what others say for a holder that leaves.
func (w *watching) hears(m roles.Message) {
	if m, ok := m.(*roles.HandOver); ok {
		w.notices.handed[m.Role] = m.Epoch
	}
}

// silent tells that others are asked about a holder. One whose connection broke is no news.
func (w *watching) silent(now roles.Instant, role roles.Role, e roles.Epoch) {
	w.notices.silenced[role] = e
	if !w.engine.mesh.Up(mesh.MemberID(e.Peer)) || !w.notices.newly(now, chaos.HowSilence+role.String()+string(e.Peer)) {
		return
	}
	name := w.engine.nameOf(e.Peer)
	w.engine.events.tell(eventNoticed, fmt.Sprintf("no heartbeat of %s as %s: the others are asked", name, role.Kind),
		"peer", string(e.Peer), "name", name, "how", chaos.HowSilence, "role", role.String())
}

// claims tells that this node claims a role, and why.
func (w *watching) claims(role roles.Role) {
	before := w.holders[role]
	if before == "" {
		before = w.last[role]
	}
	why := w.reason(role, before)
	self := w.engine.config.Name
	attributes := []string{"role", role.String(), "peer", string(w.engine.self), "name", self, "why", why}
	text := fmt.Sprintf("%s claims to be %s", self, role.Kind)
	if before != "" && before != w.engine.self {
		attributes = append(attributes, "before", string(before))
		text += ": " + chaos.WhyText(why, w.engine.nameOf(before))
	}
	w.engine.events.tell(eventClaimed, text, attributes...)
}

// reason is why this node claims what another had.
func (w *watching) reason(role roles.Role, before roles.Peer) string {
	switch {
	case before == "" || before == w.engine.self:
		return chaos.HowVacant
	case w.notices.handed[role].Peer == before:
		return chaos.HowHandOver
	case !w.engine.mesh.Up(mesh.MemberID(before)):
		return chaos.HowConnection
	case w.notices.silenced[role].Peer == before:
		return chaos.HowSilence
	case w.holders[role] == "":
		return chaos.HowMembership
	}
	return chaos.HowPreferred
}

// pinnedInVain is warnings of roles for which this node is pinned and another node that is
// pinned too has.
func (e *engine) pinnedInVain() (warnings []string) {
	scene := e.roles.Scene(e.config.Site)
	holders := map[roles.RoleKind]roles.Peer{roles.CloudKind: scene.Cloud.Peer}
	if len(scene.Aggregators) == 1 { // several pinned nodes have several groups to aggregate
		holders[roles.AggregatorKind] = scene.Aggregators[0].Peer
	}
	for _, kind := range []roles.RoleKind{roles.AggregatorKind, roles.CloudKind} {
		holder := holders[kind]
		if !e.roles.Pinned.Has(kind) || holder == "" || holder == e.self {
			continue
		}
		for i := range e.members {
			m := &e.members[i]
			if m.peer == holder && m.record != nil && m.record.Pinned.Has(kind) {
				warnings = append(warnings, fmt.Sprintf("this node is pinned to be %s, and so is %s, which has the role: only one can, "+
					"and this one stands by; start the other without --pin %s to have it here", kind, m.name(), kind))
			}
		}
	}
	return warnings
}
