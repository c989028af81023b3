package node

import (
	"context"
	"slices"
	"time"

	"ganglion/mesh"
	"ganglion/proto/controlpb"
)

// How old what watchers are shown of the members may be: who they are and what they do, and
// times.
const (
	rosterAge = 100 * time.Millisecond
	timesAge  = 5 * time.Second
)

// roster is the members as this node sees them. It is immutable.
type roster struct {
	members  []*controlpb.Member
	measured time.Time // when the times in it were taken
	edition  uint64    // from 1; it grows when anything but times changes
}

// rosterNow is the members, for all who watch.
func (a *api) rosterNow(ctx context.Context) (*roster, error) {
	return a.audience.roster.get(ctx, rosterAge, func(before *roster) (*roster, error) {
		now := &roster{measured: time.Now(), edition: 1}
		if err := a.inEngine(ctx, func() { now.members = a.describeMembers() }); err != nil {
			return nil, err
		}
		if before != nil {
			now.edition = before.edition
			same := slices.EqualFunc(before.members, now.members, sameMember)
			if same && now.measured.Sub(before.measured) < timesAge {
				return before, nil
			}
			if !same {
				now.edition++
			}
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

// links is the link to each member of a roster.
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
