package mesh

import (
	"maps"
	"slices"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/mesh/membership"
)

// Status says how the mesh is doing at this node.
type Status struct {
	Discovery  discovery.Status
	Membership membership.Status
	Gossip     GossipStatus
	Dials      [link.DialResults]uint64 // by their result, since the start
	Denied     []MemberID               // sorted
	// Impairment is what is done on purpose to this node's traffic; zero: nothing.
	Impairment link.Impairment
	// Alone is for how long this node has had no live member beside it; zero: it has.
	Alone time.Duration
	// HadCompany says, of a node that is alone, that it was not always.
	HadCompany bool
	// Clones are where other processes use this node's identity, as far as is known.
	Clones []string
	// Warnings are what a person should know, in plain sentences, the gravest first.
	Warnings []string
}

// cloneMemory is for how long a clone that is not heard any more is warned of:
// discovery tells of one that is heard once a minute.
const cloneMemory = 3 * time.Minute

// Status returns how the mesh is doing. It may wait a moment for gossip.
func (m *Mesh) Status() Status {
	s := Status{
		Discovery:  m.finder.Status(),
		Membership: m.members.Status(),
		Gossip:     m.gossip.counts.status(),
		Denied:     slices.Sorted(maps.Keys(m.current().denied)),
		Impairment: m.host.Impairment(),
		Dials:      m.host.Dials(),
	}
	s.Gossip.Peers = m.gossip.reach()
	now := time.Now()
	had := false
	if !slices.ContainsFunc(m.members.Members(), accompanies) {
		s.Alone, had = m.company.alone(now)
		s.HadCompany = had
	}
	c := circumstances{
		now:    now,
		config: m.config, mesh: m.keys.Fingerprint, self: m.Self(), hadCompany: had, name: m.nameOf,
		addresses: m.Addresses(), status: s,
	}
	if clone := m.clone.Load(); clone != nil && now.Sub(clone.At) < cloneMemory {
		c.clone = clone
	}
	s.Clones = c.clones()
	s.Warnings = c.warnings()
	return s
}

// nameOf returns a member's name for people, or the end of its ID.
func (m *Mesh) nameOf(id MemberID) string {
	for _, one := range m.members.Members() {
		if one.ID == id && one.Record != nil && one.Record.Name != "" {
			return one.Record.Name
		}
	}
	return id.Short()
}
