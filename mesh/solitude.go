package mesh

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
)

// aloneWarning is for how long a node may be alone without a warning.
const aloneWarning = 10 * time.Second

// ofSolitude says that this node is alone, the likeliest cause that fits what is known,
// and what to do. All other causes are named only where nothing is known.
func (c circumstances) ofSolitude() []string {
	alone := c.status.Alone
	if alone < aloneWarning || c.status.Impairment.Cut { // a cut is told of
		return nil
	}
	return []string{c.solitude(alone) + " To find out which it is type 'ganglion doctor'."}
}

// solitude is the likeliest cause.
func (c circumstances) solitude(alone time.Duration) string {
	text := fmt.Sprintf("This node has been alone for %v", alone.Round(time.Second))
	switch heard := c.status.Discovery.Members; {
	case c.besideAnotherMesh():
		return fmt.Sprintf("%s, and nodes of another mesh are near. Has it another token than they? Its own mesh is %s.", text, c.mesh)
	case heard > 0:
		return fmt.Sprintf("%s, though %s of its mesh %s heard: their broadcasts arrive, connections to them do not succeed. Likely a firewall blocks TCP, here or there. Allow TCP port %s on every node's machine; on Linux with ufw type 'sudo ufw allow %s/tcp'.",
			text, plural(heard, "node"), areOrIs(heard), c.port(), c.port())
	case c.insideOnly():
		return c.insideAlone(text)
	case c.hadCompany:
		return fmt.Sprintf("%s. The other members have left, or are not reached any more: were they stopped, or has this machine or theirs lost the network? Type 'ganglion members' at one of them: if it runs and does not list this node alive, the network between them is broken; when that is whole again, they find one another.", text)
	case c.joinsFail():
		return fmt.Sprintf("%s: no address that it was told to join leads to a member, and no other way finds one; why is told below. If the address is wrong, type 'ganglion status' at another node of mesh %s, and start this one with --join and an address from there.", text, c.mesh)
	}
	return fmt.Sprintf("%s. Causes: no other node is started; the others have another token (here: mesh %s); the network blocks broadcasts and multicast, as guest Wi-Fi does; a firewall blocks UDP port %d or TCP port %s. The way out: start one of the nodes with --join ADDRESS, where ADDRESS is that of another (of this one: %s).",
		text, c.mesh, c.config.BeaconPort, c.port(), c.places())
}

// insideAlone is for a node that nobody on another machine can reach: an address of it is
// of no use to them.
func (c circumstances) insideAlone(text string) string {
	if len(c.config.Interfaces) == 0 {
		return text + ": this machine has no network but its loopback interface, so nodes on other machines cannot be reached. Connect it to the network of the others; they are found then without a restart."
	}
	names := strings.Join(c.config.Interfaces, ",")
	return fmt.Sprintf("%s. It uses the loopback interface alone (--interface %s), so only nodes on this machine can be members, with the token of mesh %s. To start another here type 'ganglion node --interface %s --join %s'; to have other machines take part start this node without --interface.",
		text, names, c.mesh, names, c.places())
}

// insideOnly tells whether no address of this node is reached from another machine.
func (c circumstances) insideOnly() bool {
	outside := func(a netip.AddrPort) bool { return !a.Addr().IsLoopback() }
	return len(c.addresses) > 0 && !slices.ContainsFunc(c.addresses, outside)
}

func (c circumstances) besideAnotherMesh() bool {
	return slices.ContainsFunc(c.status.Discovery.Foreign, func(f discovery.Foreign) bool { return f.Version == discovery.Version })
}

// joinsFail tells whether there are addresses to join, and each of them fails.
func (c circumstances) joinsFail() bool {
	works := func(j discovery.JoinStatus) bool { return j.Fault == "" }
	return len(c.status.Discovery.Joins) > 0 && !slices.ContainsFunc(c.status.Discovery.Joins, works)
}

// ofJoins says why an address does not lead to a member, and what to do.
func (c circumstances) ofJoins() []string {
	if c.status.Impairment.Cut {
		return nil
	}
	var all []string
	for _, j := range c.status.Discovery.Joins {
		if j.Fault != "" {
			all = append(all, fmt.Sprintf("Joining %s fails, after %s: %s", j.Target, plural(int(j.Attempts), "attempt"), c.joinFault(j)))
		}
	}
	return all
}

func (c circumstances) joinFault(j discovery.JoinStatus) string {
	if unknown := (*net.DNSError)(nil); errors.As(j.Cause, &unknown) {
		return fmt.Sprintf("the name %q cannot be looked up (%s). Give the IP address in its place: type 'ganglion status' there, it tells the addresses to join.", unknown.Name, unknown.Err)
	}
	switch link.CauseOf(j.Cause) {
	case link.CauseRefused:
		return "its machine answers, but nothing listens at that port. Is the node started? Type 'ganglion status' there: it tells the addresses to join."
	case link.CauseNoRoute:
		return "there is no way to that address from here: the machine is off, or on another network. Type 'ganglion status' there: it tells the addresses to join."
	case link.CauseNoAnswer:
		return "nothing answers there: the machine is off, the address is another's, or a firewall drops the connection. Type 'ganglion status' there: it tells the addresses to join, and the TCP port that its firewall must allow."
	case link.CauseOtherSecret:
		return fmt.Sprintf("what listens there does not share this node's secret: it has another token than mesh %s, or is no ganglion. To take part in its mesh, start this node with its token: type 'ganglion node --token-file - --join %s' and paste it.", c.mesh, j.Target)
	default:
	}
	return strings.TrimPrefix(j.Fault, "join "+j.Target+": ") + "."
}

func (c circumstances) port() string {
	if len(c.addresses) == 0 {
		return "of the mesh"
	}
	return fmt.Sprint(c.addresses[0].Port())
}

func (c circumstances) places() string {
	texts := make([]string, len(c.addresses))
	for i, a := range c.addresses {
		texts[i] = a.String()
	}
	if len(texts) == 0 {
		return "none"
	}
	return strings.Join(texts, " or ")
}

// plural counts things.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func areOrIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
