package mesh

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/mesh/membership"
	"ganglion/mesh/secret"
)

// faultMemory is for how long something that was refused is warned of.
const faultMemory = 10 * time.Minute

// warningsMax bounds the warnings of one sort: a crowded network has more foreign nodes
// than anybody reads.
const warningsMax = 8

// circumstances are what warnings follow from. They are values: the same ones give the
// same warnings.
type circumstances struct {
	now        time.Time
	config     Config
	mesh       secret.Fingerprint
	self       MemberID
	addresses  []netip.AddrPort // of this node
	hadCompany bool
	clone      *Heard                // nil: none
	name       func(MemberID) string // of a member, for people
	status     Status
}

// warnings returns what a person should know.
func (c circumstances) warnings() []string {
	var all []string
	for _, sort := range [][]string{
		c.ofImpairment(), c.ofDenial(), c.ofClones(), c.ofPort(), c.ofSolitude(), c.ofForeign(), c.ofJoins(), c.ofDiscovery(), c.ofVersions(),
		c.ofFaults(), c.ofRoundTrips(),
	} {
		if more := len(sort) - warningsMax; more > 0 {
			sort = append(sort[:warningsMax:warningsMax], fmt.Sprintf("And %d more like the one before.", more))
		}
		all = append(all, sort...)
	}
	return all
}

func (c circumstances) ofImpairment() []string {
	i := c.status.Impairment
	if i == (link.Impairment{}) {
		return nil
	}
	name := c.config.Name
	if name == "" {
		name = string(c.self)
	}
	return []string{fmt.Sprintf("This node's traffic is impaired on purpose: %v. To end that type 'ganglion chaos heal %s'.", i, name)}
}

func (c circumstances) ofDenial() []string {
	if !slices.Contains(c.status.Denied, c.self) {
		return nil
	}
	return []string{fmt.Sprintf("The mesh has denied this node (%s): the others refuse it. Any other member can take it off the list of denied members; or give this node a new identity.", c.self)}
}

func (c circumstances) ofClones() []string {
	const remedy = "Give each node a folder of its own: an identity must not be copied."
	own := "an unknown address"
	if len(c.addresses) > 0 {
		own = c.addresses[0].String()
	}
	var all []string
	if c.clone != nil {
		all = append(all, fmt.Sprintf("Another process uses this node's identity: %s at %s, while this one is at %s. %s",
			called(c.clone.Name), c.clone.Addresses[0], own, remedy))
	} else if clone := c.status.Membership.Clone; clone != nil {
		all = append(all, fmt.Sprintf("Another process uses this node's identity: one is at %s, the other at %s. %s",
			known(clone.Address), known(clone.OtherAddress), remedy))
	}
	return all
}

func (c circumstances) ofPort() []string {
	if c.config.Port == 0 || len(c.addresses) == 0 {
		return nil
	}
	port := c.addresses[0].Port()
	if port == c.config.Port {
		return nil
	}
	return []string{fmt.Sprintf("TCP port %d is taken by another program, so this node uses port %d. Whoever joins it by address must name that port.", c.config.Port, port)}
}

func (c circumstances) ofForeign() []string {
	all := make([]string, 0, len(c.status.Discovery.Foreign))
	nodes := map[secret.Fingerprint]int{}
	for _, f := range c.status.Discovery.Foreign {
		nodes[f.Fingerprint]++
	}
	told := map[secret.Fingerprint]bool{}
	for _, f := range c.status.Discovery.Foreign {
		where := f.Address.String()
		if f.Address.Port() == 0 {
			where = f.Address.Addr().String()
		}
		heard := fmt.Sprintf("by %s", f.Way)
		if f.Interface != "" {
			heard += " on " + f.Interface
		}
		if f.Version != discovery.Version {
			all = append(all, fmt.Sprintf("A node at %s (heard %s) speaks version %d of the beacon, this one version %d: update the older.", where, heard, f.Version, discovery.Version))
			continue
		}
		if told[f.Fingerprint] {
			continue // one line a mesh
		}
		told[f.Fingerprint] = true
		others := ""
		if n := nodes[f.Fingerprint] - 1; n > 0 {
			others = fmt.Sprintf(", and %d more", n)
		}
		all = append(all, fmt.Sprintf("Mesh %s is on this network too: %s at %s, heard %s%s. This node is of mesh %s. To bring both together, start the nodes of one with the token of the other: type 'ganglion node --token-file -' and paste it.",
			f.Fingerprint, called(f.Name), where, heard, others, c.mesh))
	}
	return all
}

func (c circumstances) ofDiscovery() []string {
	d := c.status.Discovery
	var all []string
	if d.Fault != "" {
		all = append(all, fmt.Sprintf("The network interfaces cannot be listed: %s.", d.Fault))
	}
	for _, lane := range d.Lanes {
		if lane.HearFault != "" {
			all = append(all, fmt.Sprintf("Beacons cannot be heard on %s (%v): %s.", lane.Interface, lane.Address, lane.HearFault))
		}
		if lane.SendFault != "" {
			all = append(all, fmt.Sprintf("Beacons cannot be sent on %s (%v): %s.", lane.Interface, lane.Address, lane.SendFault))
		}
	}
	leaves := func(lane discovery.LaneStatus) bool { return !lane.Address.Addr().IsLoopback() }
	if d.MDNS.Fault != "" && !c.status.Impairment.Cut && slices.ContainsFunc(d.Lanes, leaves) { // a node of the loopback interface needs none
		all = append(all, fmt.Sprintf("Multicast DNS does not run: %s.", d.MDNS.Fault))
	}
	if d.Remembered.Fault != "" {
		all = append(all, fmt.Sprintf("The file of the last known members is not used: %s.", d.Remembered.Fault))
	}
	return all
}

// recent returns the faults that still matter. What denied members send is refused as
// it should be.
func (c circumstances) recent() []membership.Fault {
	var recent []membership.Fault
	for _, f := range c.status.Membership.Faults {
		if c.now.Sub(f.At) < faultMemory && !slices.Contains(c.status.Denied, f.Peer) {
			recent = append(recent, f)
		}
	}
	return recent
}

func (c circumstances) ofVersions() []string {
	var all []string
	for _, f := range c.recent() {
		if f.Kind == "version" {
			all = append(all, fmt.Sprintf("Member %s is refused, because it speaks another version: %v. Update the older.", c.who(f.Peer), f.Err))
		}
	}
	return all
}

func (c circumstances) ofFaults() []string {
	var all []string
	for _, f := range c.recent() {
		if f.Kind != "version" {
			all = append(all, fmt.Sprintf("Of member %s, %d messages were refused; the last was a %s: %v.", c.who(f.Peer), f.Count, f.Kind, f.Err))
		}
	}
	return all
}

func (c circumstances) ofRoundTrips() []string {
	worst := c.status.Membership.RoundTrip
	if worst <= c.config.RoundTripMax {
		return nil
	}
	return []string{fmt.Sprintf("The round trip to %s takes up to %v, more than the %v that this node expects: members may be taken for dead. Raise the expected round trip at all nodes.",
		c.who(c.status.Membership.RoundTripPeer), worst.Round(time.Millisecond), c.config.RoundTripMax)}
}

func (c circumstances) who(id MemberID) string {
	if id == "" {
		return "(unknown)"
	}
	return c.name(id)
}

func called(name string) string {
	if name == "" {
		return "a node without a name"
	}
	return fmt.Sprintf("node %q", name)
}

func known(address string) string {
	if address == "" {
		return "an unknown address"
	}
	return address
}
