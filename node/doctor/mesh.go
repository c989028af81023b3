package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ganglion/proto/controlpb"
)

// ofMeshes tells of nodes of other meshes, and of other versions of the beacon.
func (c *chart) ofMeshes() {
	place := c.GetPlace()
	others := map[string][]*controlpb.HeardReport{}
	own := false
	for _, h := range c.GetHeard() {
		switch {
		case h.GetBeaconVersion() != place.GetBeaconVersion():
			c.grave(VersionSkew, fmt.Sprintf("A node at %s speaks version %d of the beacon, this one version %d: they do not understand one another.", together(h.GetAddresses()), h.GetBeaconVersion(), place.GetBeaconVersion()),
				"'ganglion version' on both machines; then update the older one")
		case h.GetMesh() == place.GetMesh():
			own = true
		case h.GetMesh() != "" && place.GetMesh() != "":
			others[h.GetMesh()] = append(others[h.GetMesh()], h)
		default: // without a token no mesh is another one
		}
	}
	var meshes []string
	for mesh := range others {
		meshes = append(meshes, mesh)
	}
	slices.Sort(meshes)
	for _, mesh := range meshes {
		c.ofMesh(mesh, others[mesh], c.alone && !own)
	}
}

// ofMesh tells of one other mesh. A node that is alone beside it was likely meant to be in it.
func (c *chart) ofMesh(mesh string, nodes []*controlpb.HeardReport, alone bool) {
	var names, places []string
	for _, h := range nodes {
		names = append(names, called(h.GetName(), ""))
		places = append(places, h.GetAddresses()...)
	}
	place := c.GetPlace()
	here := fmt.Sprintf("mesh %s", place.GetMesh())
	if place.GetOpen() {
		here = "the open mesh"
	}
	there := fmt.Sprintf("mesh %s", mesh)
	open := nodes[0].GetOpen()
	if open {
		there = "the open mesh"
	}
	what := fmt.Sprintf("%s of %s %s on this network (%s), this node is of %s", together(names), there, are(names), together(places), here)
	join := "'ganglion node --token-file -' and paste the token of " + there
	if open {
		join = "'ganglion node --open'"
	}
	switch {
	case alone && (open || place.GetOpen()):
		c.grave(OpenAndClosed, what+", and alone there: one was started with --open, the other was not.", join)
	case alone:
		c.grave(WrongToken, what+", and alone there: it has another token than they.", join)
	default:
		c.remark(OtherMesh, what+".", "nothing, if both are meant to be; to bring them together: "+join)
	}
}

// ofVersions tells of members that are refused for their version, and of programs that differ.
func (c *chart) ofVersions() {
	for _, r := range c.GetRefusals() {
		if r.GetKind() == "version" {
			c.grave(VersionSkew, fmt.Sprintf("Member %s is refused, because it speaks another version: %s.", called(r.GetName(), ""), strings.TrimSuffix(r.GetText(), ".")),
				"'ganglion version' on both machines; then update the older one")
		}
	}
	by := map[string][]string{}
	for _, m := range c.GetMembers() {
		if m.GetState() == "alive" && m.GetVersion() != "" {
			by[m.GetVersion()] = append(by[m.GetVersion()], called(m.GetName(), m.GetPeer()))
		}
	}
	if len(by) < 2 {
		return
	}
	var versions []string
	for version, names := range by {
		versions = append(versions, fmt.Sprintf("%s (%s)", version, together(names)))
	}
	slices.Sort(versions)
	c.remark(VersionsDiffer, "The members run different versions of the program: "+strings.Join(versions, "; ")+".", "update the older ones, one after the other: the mesh goes on meanwhile")
}

// ofPeers tells of nodes that cannot be dialled, or that cannot dial this one.
func (c *chart) ofPeers() {
	var here, hereTo, lost []string // names, and the addresses that they cannot dial
	for _, p := range c.GetPeers() {
		name := called(p.GetName(), p.GetPeer())
		if slices.Contains(c.GetDenied(), p.GetPeer()) {
			continue
		}
		if addresses := unanswered(p.GetReached()); len(addresses) > 0 {
			here, hereTo = append(here, name), append(hereTo, addresses...)
		}
		switch addresses := unanswered(p.GetReach()); {
		case len(addresses) > 0 && p.GetUp():
			c.grave(PortBlocked, fmt.Sprintf("%s cannot be dialled at %s: nothing answers there. A connection stands all the same, for %s has dialled this node: its port is closed to others, so whoever cannot be dialled either does not reach it.", name, together(addresses), name),
				c.allow("on the machine of "+name+" ", addresses))
		case !p.GetUp() && c.there(p):
			c.ofSilent(p, name)
		case (p.GetState() == "down" || p.GetState() == "suspect") && ms(p.GetSinceMs()) >= settledAfter:
			lost = append(lost, name)
		default:
		}
	}
	if len(here) > 0 {
		c.grave(PortBlocked, fmt.Sprintf("%s cannot dial this node at %s: nothing answers. Something on this machine, likely a firewall, keeps connections out; those that stand are this node's own dials.", together(here), together(hereTo)),
			c.allow("on this machine ", hereTo))
	}
	if len(lost) > 0 {
		c.remark(MemberLost, fmt.Sprintf("%s %s not reached any more: stopped, without power, or without a network.", together(lost), are(lost)),
			"start it again, or look at it from its own machine: 'ganglion doctor' there")
	}
}

// there reports whether a peer to which there is no connection is there all the same: it was
// heard a moment ago, or others say that it lives.
func (c *chart) there(p *controlpb.PeerReport) bool {
	answers := func(r *controlpb.ReachReport) bool { return r.GetCause() == "" }
	if p.GetFailures() < failedDials && len(p.GetReach()) == 0 || causeOf(p) == "" || slices.ContainsFunc(p.GetReach(), answers) {
		return false
	}
	if p.GetState() == "alive" || p.GetState() == "suspect" {
		// Whoever is one-way away comes and goes: its state never lasts. A process that has
		// just died is suspect for a moment as well, and refuses.
		return ms(p.GetSinceMs()) >= settledAfter || causeOf(p) != "refused"
	}
	return slices.ContainsFunc(c.GetHeard(), func(h *controlpb.HeardReport) bool {
		return h.GetPeer() == p.GetPeer() && h.GetWay() == wayBeacon && ms(h.GetAgoMs()) < heardLately
	})
}

// ofSilent tells of a node that is there and cannot be dialled.
func (c *chart) ofSilent(p *controlpb.PeerReport, name string) {
	seen := fmt.Sprintf("%s is there, and no connection to it comes about (%s)", name, together(p.GetAddresses()))
	switch cause := causeOf(p); cause {
	case "no-answer":
		c.grave(PortBlocked, seen+": nothing answers at its port. Likely a firewall there keeps it closed, or the network carries what it sends and not what is sent to it.",
			c.allow("on the machine of "+name+" ", p.GetAddresses()))
	case "refused":
		c.grave(Unreachable, seen+": its machine answers, and nothing listens at that port. It may be restarting.", "'ganglion status' on its machine tells its addresses")
	case "no-route":
		c.grave(Unreachable, seen+": there is no way to that address from here.", "'ip route' here, and on its machine: both are to be on one network, or to have a router")
	case "other-version":
		c.grave(VersionSkew, seen+": it speaks another version.", "'ganglion version' on both machines; then update the older one")
	case "other-peer", "self":
		c.grave(Unreachable, seen+": another node listens at that address.", "'ganglion status' on its machine tells its addresses")
	case "other-secret":
		c.grave(Unreachable, seen+": what listens there completes no handshake. It has another token, or is no ganglion.", "'ganglion token check FILE' on both machines tells the mesh of a token")
	default:
		c.grave(Unreachable, seen+": "+strings.TrimSuffix(p.GetFault(), ".")+".", "'ganglion doctor' on its machine")
	}
}

// causeOf is why a peer cannot be dialled: what a probe has just found goes before what the
// last dial did.
func causeOf(p *controlpb.PeerReport) string {
	for _, r := range p.GetReach() {
		if r.GetCause() != "" && !aside(r) {
			return r.GetCause()
		}
	}
	return p.GetCause()
}

// unanswered are the addresses at which nothing answers, if none of those tried answered.
func unanswered(reports []*controlpb.ReachReport) (all []string) {
	for _, r := range reports {
		switch {
		case aside(r):
		case r.GetCause() == "no-answer":
			all = append(all, r.GetAddress())
		default:
			return nil
		}
	}
	return all
}

// aside reports whether an address says nothing: another machine's loopback address is, here,
// somebody else's.
func aside(r *controlpb.ReachReport) bool {
	address, err := netip.ParseAddrPort(r.GetAddress())
	return err == nil && address.Addr().IsLoopback() && (r.GetCause() == "self" || r.GetCause() == "other-peer" || r.GetCause() == "refused")
}

// allow is how the ports of addresses are let through.
func (c *chart) allow(where string, addresses []string) string {
	ports := map[uint16]bool{}
	for _, text := range addresses {
		if address, err := netip.ParseAddrPort(text); err == nil && address.Port() != 0 {
			ports[address.Port()] = true
		}
	}
	var list []string
	for port := range ports {
		list = append(list, fmt.Sprint(port))
	}
	if len(list) == 0 {
		return where + "allow the TCP port of the mesh"
	}
	slices.Sort(list)
	return fmt.Sprintf("%sallow TCP port %s; with ufw 'sudo ufw allow %s/tcp'", where, strings.Join(list, ", "), list[0])
}

// ofJoins tells of places to join that lead to nobody.
func (c *chart) ofJoins() {
	for _, w := range c.ways(wayJoin) {
		if w.GetFault() == "" {
			continue
		}
		text := fmt.Sprintf("Joining %s fails: ", w.GetTarget())
		const ask = "'ganglion status' on that machine tells the addresses to join"
		switch w.GetCause() {
		case "no-answer":
			c.add(c.alone, JoinFails, text+"nothing answers there. The machine is off, the address is another's, or a firewall drops the connection.", ask)
		case "refused":
			c.add(c.alone, JoinFails, text+"its machine answers, and nothing listens at that port: the node is not started, or uses another.", ask)
		case "no-route":
			c.add(c.alone, JoinFails, text+"there is no way to that address from here.", ask)
		case "other-secret":
			c.add(c.alone, WrongToken, fmt.Sprintf("%swhat listens there has another token than mesh %s, or is no ganglion.", text, c.GetPlace().GetMesh()),
				fmt.Sprintf("'ganglion node --token-file - --join %s' and paste the token of its mesh", w.GetTarget()))
		default:
			c.add(c.alone, JoinFails, text+strings.TrimSuffix(w.GetFault(), ".")+".", ask)
		}
	}
}

// ofSolitude tells that a node is alone, where nothing that was found explains it.
func (c *chart) ofSolitude() {
	explained := c.has(Denied, IdentityTwice, Impaired, InterfaceMissing, VirtualOnly, NoNetwork, WrongToken, OpenAndClosed, VersionSkew,
		PortBlocked, Unreachable, BeaconDeaf, BeaconMute, MulticastOff, BroadcastBlocked, JoinFails)
	if c.GetStatus() == nil || !c.alone || explained {
		return
	}
	text := fmt.Sprintf("This node has been alone for %v", ms(c.GetAloneMs()).Round(1e9))
	address := "ADDRESS"
	if addresses := c.GetStatus().GetAddresses(); len(addresses) > 0 {
		address = addresses[0]
	}
	switch {
	case len(c.outside) == 0 && len(c.GetPlace().GetOnly()) > 0:
		c.grave(Alone, fmt.Sprintf("%s. It uses %s alone, so only nodes of this machine can be members.", text, together(c.GetPlace().GetOnly())),
			fmt.Sprintf("another one here: 'ganglion node --interface %s --token-file - --state OTHER'; for other machines start this one without --interface", strings.Join(c.GetPlace().GetOnly(), ",")))
	case c.GetHadCompany():
		c.grave(Alone, text+": the other members have left, or are not reached any more.", "'ganglion doctor' at one of them says whether it runs, and what it hears")
	default:
		c.grave(Alone, fmt.Sprintf("%s. %s Either no other node of mesh %s is started, or the network between them carries neither broadcasts nor multicast, as guest Wi-Fi does.", text, c.echoes(), c.GetPlace().GetMesh()),
			fmt.Sprintf("at another node: 'ganglion doctor' shows its mesh; then there 'ganglion node --join %s'", address))
	}
}

// echoes says what came of this node's own messages: what it says of this machine.
func (c *chart) echoes() string {
	var sent, own uint64
	for _, w := range c.ways(wayBeacon) {
		if c.outside[w.GetInterface()] != nil {
			sent, own = sent+w.GetSent(), own+w.GetOwn()
		}
	}
	if sent == 0 || own == 0 {
		return "Nobody was heard."
	}
	return fmt.Sprintf("It has sent %d beacons, its own came back, and nobody else was heard: this machine is not what keeps them.", sent)
}
