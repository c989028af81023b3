package mesh

import (
	"context"
	"slices"
	"time"

	"ganglion/mesh/membership"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// keepDown is how long a member that is down is dialled as eagerly as a live one;
	// later, discovery and membership alone go on looking for it.
	keepDown      = time.Minute
	rememberEvery = 5 * time.Second
)

// view is what the mesh knows of its members at one moment, for those who must not
// wait for a lock. It never changes.
type view struct {
	members map[MemberID]bool // known, in whatever state
	denied  map[MemberID]bool
}

func (m *Mesh) current() *view { return m.seen.Load() }

// tend keeps the host, the denied list and the file of last known peers in step with
// the membership, until ctx ends.
func (m *Mesh) tend(ctx context.Context) error {
	changed, stop := m.members.Watch()
	defer stop()
	settings, stopSettings := m.members.Settings().Watch()
	defer stopSettings()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	remembered := time.Time{}
	for {
		now := time.Now()
		m.follow(now)
		if now.Sub(remembered) >= rememberEvery {
			remembered = now
			m.remember()
		}
		select {
		case <-ctx.Done():
			m.remember()
			return nil
		case <-changed:
		case <-settings:
			m.deny()
		case <-ticker.C:
			m.sever(time.Now())
		}
	}
}

// follow looks at the members, and has the host stay connected to those that live.
func (m *Mesh) follow(now time.Time) {
	members := m.members.Members()
	known := make(map[MemberID]bool, len(members))
	for _, one := range members {
		known[one.ID] = true
	}
	m.seen.Store(&view{members: known, denied: m.current().denied})
	m.company.note(now, slices.ContainsFunc(members, accompanies))
	keep := kept(members, m.current().denied, now)
	for p := range m.kept {
		if !keep[p] {
			m.host.Release(p)
			delete(m.kept, p)
		}
	}
	for p := range keep {
		if m.kept[p] {
			continue
		}
		if err := m.host.Keep(p); err != nil {
			m.log.Debug("member is not kept", "peer", string(p), "error", err)
			continue
		}
		m.kept[p] = true
	}
}

// deafMax is how long the link to a member that is down may be without a sign of life: a
// few probes.
const deafMax = 5 * time.Second

// severed decides which connections lead nowhere: the member is down for the mesh, and
// nothing was acknowledged for a while. Left alone, such a connection is noticed by its
// keep-alive alone, after up to a minute, and as long nobody dials the address that the
// member has now.
func severed(members []Member, health func(MemberID) Health, now time.Time) []MemberID {
	var all []MemberID
	for _, one := range members {
		if one.Self || one.State != membership.StateDown {
			continue
		}
		h := health(one.ID)
		sign := h.Acknowledged
		if h.Since.After(sign) { // it came up or went down: it may be about to live
			sign = h.Since
		}
		if now.Sub(sign) > deafMax {
			all = append(all, one.ID)
		}
	}
	return all
}

// sever ends the connections that lead nowhere. Who is kept is dialled again.
func (m *Mesh) sever(now time.Time) {
	for _, p := range severed(m.members.Members(), m.Health, now) {
		if !m.host.Connected(p) {
			continue
		}
		m.log.Debug("ending a connection that leads nowhere", "peer", string(p))
		if err := m.host.Disconnect(p); err != nil {
			m.log.Debug("connection is not ended", "peer", string(p), "error", err)
		}
	}
}

// accompanies tells whether a member makes this node not alone.
func accompanies(m Member) bool {
	return !m.Self && (m.State == membership.StateAlive || m.State == membership.StateSuspect)
}

// kept decides whom the host stays connected to: all that live, or went down lately.
func kept(members []Member, denied map[MemberID]bool, now time.Time) map[MemberID]bool {
	keep := make(map[MemberID]bool, len(members))
	for _, one := range members {
		lately := one.State == membership.StateDown && now.Sub(one.Since) < keepDown
		if !one.Self && !denied[one.ID] && (accompanies(one) || lately) {
			keep[one.ID] = true
		}
	}
	return keep
}

// deny has the denied setting hold here. It is called before anything runs and by
// tend, never twice at once.
func (m *Mesh) deny() {
	var denied []MemberID
	if setting, ok := m.members.Settings().Get(DeniedKey); ok {
		var err error
		if denied, err = ParseDenied(setting.Value); err != nil {
			// Settings are checked before they are kept.
			m.log.Error("setting of denied members cannot be read", "error", err)
			return
		}
	}
	set := make(map[MemberID]bool, len(denied))
	for _, p := range denied {
		set[p] = true
	}
	if sameSet(set, m.current().denied) {
		return
	}
	m.log.Info("denied members changed", "count", len(denied))
	m.seen.Store(&view{members: m.current().members, denied: set})
	// First the membership forgets them, so that it does not take the end of their
	// connections for a reason to join them again.
	m.members.Deny(denied)
	if err := m.host.Deny(denied); err != nil {
		m.log.Warn("denying members did not end every connection", "error", err)
	}
}

func sameSet(a, b map[MemberID]bool) bool {
	if len(a) != len(b) {
		return false
	}
	for p := range a {
		if !b[p] {
			return false
		}
	}
	return true
}

// remember tells discovery whom to look for after a restart: the live ones first.
func (m *Mesh) remember() {
	var live, others []peer.AddrInfo
	for _, one := range m.members.Members() {
		id, err := one.ID.Peer()
		if err != nil || one.Self || one.Record == nil || m.current().denied[one.ID] {
			continue
		}
		info := peer.AddrInfo{ID: id, Addrs: multiaddrs(one.Record.Addresses)}
		if accompanies(one) {
			live = append(live, info)
		} else {
			others = append(others, info)
		}
	}
	if all := slices.Concat(live, others); len(all) > 0 {
		m.finder.Remember(all)
	}
}
