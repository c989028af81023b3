package node

import (
	"context"
	"slices"
	"time"

	"ganglion/mesh"
	"ganglion/proto/controlpb"
)

// rosterAge is how old the members may be that watchers are shown.
const rosterAge = 100 * time.Millisecond

// roster is the members as this node sees them. It is immutable.
type roster struct {
	members []*controlpb.Member
	edition uint64 // from 1; it grows with each change that people are told of
}

// rosterNow is the members, and the same edition of them while nothing changes but for how
// long they are in their states, and round trips.
func (a *api) rosterNow(ctx context.Context) (*roster, error) {
	return a.audience.roster.get(ctx, rosterAge, func(before *roster) (*roster, error) {
		now := &roster{edition: 1}
		if err := a.inEngine(ctx, func() { now.members = a.describeMembers() }); err != nil {
			return nil, err
		}
		if before != nil {
			now.edition = before.edition
			if slices.EqualFunc(before.members, now.members, sameMember) {
				return now, nil
			}
			now.edition++
		}
		a.measure(now.members)
		return now, nil
	})
}

// sameMember reports whether two descriptions of a member differ in nothing but times.
func sameMember(a, b *controlpb.Member) bool {
	return a.GetName() == b.GetName() && a.GetPeer() == b.GetPeer() && a.GetGroup() == b.GetGroup() &&
		a.GetState() == b.GetState() && a.GetBundle() == b.GetBundle() && a.GetVersion() == b.GetVersion() &&
		a.GetSite() == b.GetSite() && a.GetSelf() == b.GetSelf() && a.GetAllowsChaos() == b.GetAllowsChaos() &&
		slices.Equal(a.GetAddresses(), b.GetAddresses()) && slices.Equal(a.GetViews(), b.GetViews()) &&
		slices.Equal(a.GetRoles(), b.GetRoles()) && slices.Equal(a.GetStandbyFor(), b.GetStandbyFor())
}

// links is the link to each member of a roster, and in ups whether it is up.
func (a *api) links(r *roster) (of []*controlpb.Link) {
	for _, m := range r.members {
		if m.GetSelf() {
			continue
		}
		id := mesh.MemberID(m.GetPeer())
		health, bytes := a.mesh.Health(id), a.mesh.TrafficOf(id)
		of = append(of, &controlpb.Link{
			Peer: m.GetPeer(), Up: health.Up, RoundTripUs: health.RoundTrip.Last.Microseconds(),
			SentBytes: bytes.SentBytes, ReceivedBytes: bytes.ReceivedBytes,
		})
	}
	return of
}

// ups appends to a list whether the link to each member of a roster is up.
func (a *api) ups(to []bool, r *roster) []bool {
	for _, m := range r.members {
		to = append(to, m.GetSelf() || a.mesh.Up(mesh.MemberID(m.GetPeer())))
	}
	return to
}
