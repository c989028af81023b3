package mesh

import (
	"context"
	"net/netip"
	"slices"

	"ganglion/mesh/link"
)

// Contact returns how a peer is reached, members and candidates alike: what came of the last
// dial, and which connections stand.
func (m *Mesh) Contact(p MemberID) link.Contact { return m.host.Contact(p) }

// Probe tells whether a peer can be dialled at an address, without a connection that stays;
// see [link.Host.Probe] for its errors. Give it a deadline.
func (m *Mesh) Probe(ctx context.Context, p MemberID, address netip.AddrPort) error {
	return m.host.Probe(ctx, p, address)
}

// clones returns where other processes use this node's identity.
func (c circumstances) clones() []string {
	var all []string
	if c.clone != nil {
		for _, address := range c.clone.Addresses {
			all = append(all, address.String())
		}
		return all
	}
	clone := c.status.Membership.Clone
	if clone == nil {
		return nil
	}
	for _, address := range []string{clone.Address, clone.OtherAddress} {
		own := slices.ContainsFunc(c.addresses, func(a netip.AddrPort) bool { return a.String() == address })
		if !own {
			all = append(all, known(address))
		}
	}
	return all
}
