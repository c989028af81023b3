package doctor

import (
	"fmt"
	"slices"
)

// ofNode tells that no node runs here, and what to type.
func (c *chart) ofNode() {
	if c.GetStatus() != nil {
		return
	}
	const text = "No node runs on this machine, or none that answers: this is what the machine can tell by itself."
	place := c.GetPlace()
	switch {
	case place.GetMesh() != "":
		c.grave(NoNode, text, fmt.Sprintf("'ganglion node': it has the token of mesh %s", place.GetMesh()))
	case len(c.meshes()) > 0:
		c.grave(NoNode, text, fmt.Sprintf("'ganglion node --token-file -' and paste the token of mesh %s, which the node that founded it keeps in its state folder", together(c.meshes())))
	default:
		c.grave(NoNode, text, "'ganglion node': it has no token and hears no mesh, so it founds one")
	}
}

// meshes are the fingerprints that were heard.
func (c *chart) meshes() (all []string) {
	for _, h := range c.GetHeard() {
		if h.GetMesh() != "" {
			all = append(all, h.GetMesh())
		}
	}
	return all
}

// ofIdentity tells of what the mesh or a copy does to this node.
func (c *chart) ofIdentity() {
	if self := c.GetStatus().GetPeer(); self != "" && slices.Contains(c.GetDenied(), self) {
		c.grave(Denied, fmt.Sprintf("The mesh has denied this node (%s): the others refuse it.", self),
			"at another member: 'ganglion set denied LIST', without this node in it; or give this node a new --state")
	}
	if clones := c.GetClones(); len(clones) > 0 {
		c.grave(IdentityTwice, fmt.Sprintf("Another process uses this node's identity, at %s: its state folder was copied. Members take both for one that jumps about.", together(clones)),
			"on one of the two machines: rm identity.pem in its state folder, and start it again; it makes an identity of its own and keeps the token")
	}
	if c.GetImpaired() != "" {
		c.grave(Impaired, fmt.Sprintf("This node's traffic is impaired on purpose: %s.", c.GetImpaired()), "'ganglion chaos heal "+quoted(c.self())+"'")
	}
	for _, h := range c.GetHeard() {
		if h.GetPeer() != "" && slices.Contains(c.GetDenied(), h.GetPeer()) && h.GetPeer() != c.GetStatus().GetPeer() {
			c.remark(DeniedNear, fmt.Sprintf("%s is on this network and on the list of denied members: it is refused, as it should be.", called(h.GetName(), h.GetPeer())),
				"to let it in again: 'ganglion set denied LIST', without it")
			break
		}
	}
}

// quoted is a name as a shell takes it as one word.
func quoted(name string) string {
	for _, r := range name {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.' || r == '/'
		if !letter {
			return fmt.Sprintf("%q", name)
		}
	}
	if name == "" {
		return "NAME"
	}
	return name
}

// ofPlace tells of files and ports.
func (c *chart) ofPlace() {
	place := c.GetPlace()
	if place.GetTokenFault() != "" {
		c.grave(TokenUnreadable, fmt.Sprintf("There is a token, and it cannot be used: %s.", place.GetTokenFault()),
			"'ganglion token check "+quoted(place.GetState())+"/token' says where the mistake is")
	}
	if place.GetStateFault() != "" {
		c.grave(StateUnwritable, fmt.Sprintf("Nothing can be written to the state folder %s: %s. A node goes on from memory, and forgets at its end which claims, settings and models it knew.", place.GetState(), place.GetStateFault()),
			fmt.Sprintf("'df -h %[1]s; ls -ld %[1]s'; then make room, or the folder writable by the node's user", quoted(place.GetState())))
	}
	switch {
	case c.GetStatus() == nil && place.GetPortFault() != "":
		c.remark(PortTaken, fmt.Sprintf("TCP port %d cannot be had (%s): a node takes any free one, and whoever joins it by address must name that.", place.GetPortWanted(), place.GetPortFault()),
			fmt.Sprintf("'ss -ltnp sport = :%d' says who has it", place.GetPortWanted()))
	case place.GetPort() != 0 && place.GetPortWanted() != 0 && place.GetPort() != place.GetPortWanted():
		c.remark(PortTaken, fmt.Sprintf("TCP port %d is taken by another program, so this node uses port %d: whoever joins it by address must name that, and a firewall must allow it.", place.GetPortWanted(), place.GetPort()),
			fmt.Sprintf("'ss -ltnp sport = :%d' says who has it", place.GetPortWanted()))
	}
	if place.GetDiscoveryFault() != "" {
		c.grave(InterfaceMissing, fmt.Sprintf("The network interfaces cannot be listed: %s.", place.GetDiscoveryFault()), "'ip address' as the node's user")
	}
}
