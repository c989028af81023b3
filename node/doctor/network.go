package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ganglion/proto/controlpb"
)

// The ways of discovery, as a message has them.
const (
	wayBeacon     = "beacon"
	wayMDNS       = "mdns"
	wayJoin       = "join"
	wayRemembered = "remembered"
)

// ofInterfaces tells of a machine without a network that leads anywhere.
func (c *chart) ofInterfaces() {
	only := c.GetPlace().GetOnly()
	for _, i := range c.GetInterfaces() {
		if slices.Contains(only, i.GetName()) && !i.GetUsed() {
			c.grave(InterfaceMissing, fmt.Sprintf("Interface %s was named, and it is not used: %s.", i.GetName(), i.GetWhy()),
				"'ip address' shows the interfaces that there are; then 'ganglion node --interface NAME', or no --interface")
		}
	}
	if len(c.outside) > 0 || len(only) > 0 || len(c.GetInterfaces()) == 0 {
		return
	}
	var virtual, down []string
	for _, i := range c.GetInterfaces() {
		switch {
		case i.GetVirtual():
			virtual = append(virtual, i.GetName())
		case !i.GetUsed() && !i.GetUp():
			down = append(down, i.GetName())
		default:
		}
	}
	switch {
	case len(virtual) > 0:
		c.add(c.alone, VirtualOnly, fmt.Sprintf("Besides the loopback interface this machine has %s alone, which %s left out: addresses of containers, virtual machines and tunnels mean nothing to other machines.", together(virtual), are(virtual)),
			fmt.Sprintf("connect the machine to the network of the others; or, where they are on that very network, 'ganglion node --interface %s'", strings.Join(virtual, ",")))
	case !c.alone: // they are on this machine, all of them
	case len(down) > 0:
		c.grave(NoNetwork, fmt.Sprintf("No interface leads out of this machine: %s %s down.", together(down), are(down)), fmt.Sprintf("'sudo ip link set %s up'", down[0]))
	default:
		c.grave(NoNetwork, "No interface that is up leads out of this machine and has an address: nodes on other machines cannot be reached.", "'ip address' shows them; connect one: the others are found without a restart")
	}
}

// ways are the reports of a way.
func (c *chart) ways(way string) (all []*controlpb.WayReport) {
	for _, w := range c.GetWays() {
		if w.GetWay() == way {
			all = append(all, w)
		}
	}
	return all
}

// ofBeacons tells of interfaces on which beacons cannot be sent or heard.
func (c *chart) ofBeacons() {
	port := c.GetPlace().GetBeaconPort()
	for _, w := range c.ways(wayBeacon) {
		switch {
		case w.GetDeaf():
			c.grave(BeaconDeaf, fmt.Sprintf("Beacons cannot be heard on %s: %s. Another program that does not share it has UDP port %d.", w.GetInterface(), w.GetFault(), port),
				fmt.Sprintf("'ss -lunp sport = :%d' says who has it; end that, or give all nodes another --beacon-port", port))
		case w.GetMute():
			c.add(c.alone, BeaconMute, fmt.Sprintf("Beacons cannot be sent on %s: %s.", w.GetInterface(), w.GetFault()),
				fmt.Sprintf("allow outgoing UDP to port %d; with ufw 'sudo ufw allow out %d/udp'", port, port))
		default:
		}
	}
	for _, w := range c.ways(wayRemembered) {
		if w.GetFault() != "" {
			c.remark(WayFails, fmt.Sprintf("The last known members are not kept: %s.", w.GetFault()), "nothing, while another way finds the mesh")
		}
	}
}

// ofSilence tells of ways that carry nothing although there is somebody to be heard, and of
// messages that do not even come back to who sent them.
func (c *chart) ofSilence() {
	if len(c.outside) == 0 {
		return // there are neither broadcasts nor multicast to others
	}
	others := c.neighbours()
	c.ofMulticast(others)
	for _, w := range c.ways(wayBeacon) {
		if c.outside[w.GetInterface()] == nil || w.GetFault() != "" || w.GetSent() == 0 {
			continue
		}
		allow := fmt.Sprintf("allow UDP port %[1]d on every node's machine; with ufw 'sudo ufw allow %[1]d/udp'. Where the network itself blocks, 'ganglion node --join ADDRESS'", c.GetPlace().GetBeaconPort())
		switch by := others[w.GetInterface()]; {
		case w.GetOwn() == 0 && ms(w.GetForMs()) >= echoAfter:
			c.add(c.alone, BroadcastBlocked, fmt.Sprintf("On %s not even this node's own broadcasts come back: something on this machine keeps them, likely a firewall.", w.GetInterface()), allow)
		case ms(w.GetForMs()) >= silenceAfter && !c.hears(w.GetInterface()) && len(by.otherwise) > 0:
			c.remark(BroadcastBlocked, fmt.Sprintf("On %s no broadcast of another is heard, though %s %s there: the network does not carry broadcasts, a firewall keeps UDP port %d, or they were told --without beacon.", w.GetInterface(), together(by.otherwise), are(by.otherwise), c.GetPlace().GetBeaconPort()), allow)
		default:
		}
	}
}

// hears reports whether beacons of others arrive on an interface.
func (c *chart) hears(iface string) bool {
	return slices.ContainsFunc(c.GetHeard(), func(h *controlpb.HeardReport) bool {
		return h.GetWay() == wayBeacon && h.GetInterface() == iface && ms(h.GetAgoMs()) < silentAfter
	})
}

// ofMulticast is ofSilence for multicast DNS.
func (c *chart) ofMulticast(others map[string]nearby) {
	if slices.Contains(c.GetPlace().GetWithout(), wayMDNS) {
		return
	}
	able := false
	for _, i := range c.GetInterfaces() {
		if c.outside[i.GetName()] == nil {
			continue
		}
		able = able || i.GetMulticast()
		if !i.GetMulticast() {
			c.add(c.alone, MulticastOff, fmt.Sprintf("Multicast is switched off on %s.", i.GetName()), fmt.Sprintf("'sudo ip link set %s multicast on'", i.GetName()))
		}
	}
	var near []string
	for _, by := range others {
		near = append(near, by.broadcast...)
		near = append(near, by.otherwise...)
	}
	const mend = "nothing, while broadcasts arrive. Else switch off client isolation and IGMP snooping without a querier at the switch or access point, allow UDP port 5353, or 'ganglion node --join ADDRESS'"
	for _, w := range c.ways(wayMDNS) {
		switch {
		case w.GetFault() != "" && able:
			c.remark(WayFails, fmt.Sprintf("Multicast DNS does not run: %s.", w.GetFault()), "'ss -lunp sport = :5353' says who has its port; the other ways go on")
		case w.GetFault() != "" || ms(w.GetForMs()) < silenceAfter:
		case w.GetOwn() == 0 && w.GetHeard() == 0:
			c.add(c.alone, MulticastBlocked, fmt.Sprintf("On %s not even this node's own multicast comes back: something on this machine keeps it, likely a firewall.", w.GetInterface()), "allow UDP port 5353; with ufw 'sudo ufw allow 5353/udp'")
		case w.GetHeard() == 0 && len(near) > 0:
			c.remark(MulticastBlocked, fmt.Sprintf("No multicast of another is heard on %s, though %s %s there: the network does not carry multicast, or they were told --without mdns.", w.GetInterface(), together(near), are(near)), mend)
		default:
		}
	}
}

// nearby are other machines' nodes that are known to be on one network, by how that is known.
type nearby struct {
	broadcast []string // they were heard by beacon
	otherwise []string // by multicast DNS, or as members that live at an address there
}

// neighbours are the nodes of other machines on each network, that have been there for long
// enough to be heard by every way.
func (c *chart) neighbours() map[string]nearby {
	all := map[string]nearby{}
	note := func(iface, name string, broadcast bool) {
		by := all[iface]
		if broadcast {
			by.broadcast = append(by.broadcast, name)
		} else {
			by.otherwise = append(by.otherwise, name)
		}
		all[iface] = by
	}
	for _, h := range c.GetHeard() {
		iface := c.networkOf(h.GetAddresses())
		if ms(h.GetSinceMs()) < silenceAfter || iface == "" {
			continue
		}
		if h.GetWay() == wayBeacon && ms(h.GetAgoMs()) < heardLately {
			note(iface, called(h.GetName(), h.GetPeer()), true)
		} else if h.GetWay() == wayMDNS {
			note(iface, called(h.GetName(), h.GetPeer()), false)
		}
	}
	for _, p := range c.GetPeers() {
		if iface := c.networkOf(p.GetAddresses()); iface != "" && p.GetState() == "alive" && p.GetUp() && ms(p.GetSinceMs()) >= silenceAfter {
			note(iface, called(p.GetName(), p.GetPeer()), false)
		}
	}
	return all
}

// networkOf is the interface in use on whose network one of the addresses is, and that is not
// this machine's own.
func (c *chart) networkOf(addresses []string) string {
	for _, text := range addresses {
		address, err := netip.ParseAddrPort(text)
		if err != nil {
			continue
		}
		for name, i := range c.outside {
			for _, own := range i.GetAddresses() {
				prefix, err := netip.ParsePrefix(own)
				if err != nil || prefix.Addr() == address.Addr() {
					continue
				}
				if prefix.Addr().Is4() && prefix.Contains(address.Addr()) && !c.ownAddress(address.Addr()) {
					return name
				}
			}
		}
	}
	return ""
}

func (c *chart) ownAddress(a netip.Addr) bool {
	for _, i := range c.GetInterfaces() {
		for _, own := range i.GetAddresses() {
			if prefix, err := netip.ParsePrefix(own); err == nil && prefix.Addr() == a {
				return true
			}
		}
	}
	return false
}
