package doctor

import (
	"slices"
	"strings"
	"time"

	"ganglion/proto/controlpb"
)

// Code names the cause of a finding.
type Code string

// The codes, the worst first: that is the order of findings.
const (
	NoNode           Code = "no-node"
	Denied           Code = "denied"
	IdentityTwice    Code = "identity-twice"
	Impaired         Code = "impaired"
	TokenUnreadable  Code = "token-unreadable"
	StateUnwritable  Code = "state-unwritable"
	InterfaceMissing Code = "interface-missing"
	VirtualOnly      Code = "virtual-interfaces-only"
	NoNetwork        Code = "no-network"
	WrongToken       Code = "wrong-token"
	OpenAndClosed    Code = "open-and-closed"
	VersionSkew      Code = "version-skew"
	PortBlocked      Code = "port-blocked"
	Unreachable      Code = "unreachable"
	BeaconDeaf       Code = "beacon-deaf"
	BeaconMute       Code = "beacon-mute"
	MulticastOff     Code = "multicast-off"
	MulticastBlocked Code = "multicast-blocked"
	BroadcastBlocked Code = "broadcast-blocked"
	JoinFails        Code = "join-fails"
	Alone            Code = "alone"
	MissingBundle    Code = "missing-bundle"
	ViewTwice        Code = "view-claimed-twice"
	IdleSource       Code = "idle-source"
	RoleVacant       Code = "role-vacant"
	SlowHop          Code = "slow-hop"
	MemberLost       Code = "member-lost"
	DroppedFrames    Code = "dropped-frames"
	NoRoom           Code = "no-room"
	SlowNode         Code = "slow-node"
	Refused          Code = "refused"
	Forged           Code = "forged"
	VersionsDiffer   Code = "versions-differ"
	OtherMesh        Code = "other-mesh"
	DeniedNear       Code = "denied-near"
	PortTaken        Code = "port-taken"
	WayFails         Code = "way-fails"
)

// Codes returns all codes, the worst first.
func Codes() []Code {
	return []Code{
		NoNode, Denied, IdentityTwice, Impaired, TokenUnreadable, StateUnwritable, InterfaceMissing, VirtualOnly, NoNetwork,
		WrongToken, OpenAndClosed, VersionSkew, PortBlocked, Unreachable, BeaconDeaf, BeaconMute, MulticastOff, MulticastBlocked,
		BroadcastBlocked, JoinFails, Alone, MissingBundle, ViewTwice, IdleSource, RoleVacant, SlowHop, MemberLost, DroppedFrames,
		NoRoom, SlowNode, Refused, Forged, VersionsDiffer, OtherMesh, DeniedNear, PortTaken, WayFails,
	}
}

// The times after which something is no longer on its way to be well by itself.
const (
	aloneAfter = 10 * time.Second
	// silenceAfter is for how long a way has run, and another node was there to be heard,
	// before it is said to carry nothing: some multicast DNS questions and some beacons.
	silenceAfter = 15 * time.Second
	echoAfter    = 2 * time.Second  // of own broadcasts: some have come back
	settledAfter = 10 * time.Second // of roles, bundles, members that have just come
	// heardLately is how long ago a node may have been heard last to count as there.
	heardLately = 20 * time.Second
	silentAfter = 40 * time.Second // of beacons, without which an interface is deaf
	failedDials = 3                // one after the other: one alone is soon tried again
)

// Healthy reports whether none of the findings is grave.
func Healthy(findings []*controlpb.Finding) bool {
	return !slices.ContainsFunc(findings, (*controlpb.Finding).GetGrave)
}

// Judge makes findings of facts, the worst first. It does not look at findings that are there.
func Judge(facts *controlpb.DiagnoseResponse) []*controlpb.Finding {
	c := newChart(facts)
	c.ofNode()
	c.ofIdentity()
	c.ofPlace()
	c.ofInterfaces()
	c.ofMeshes()
	c.ofVersions()
	c.ofPeers()
	c.ofBeacons()
	c.ofSilence()
	c.ofJoins()
	c.ofBundle()
	c.ofSources()
	c.ofRoles()
	c.ofSpeed()
	c.ofFrames()
	c.ofRefusals()
	c.ofSolitude() // last: it is explained by others, or not
	slices.SortStableFunc(c.found, func(a, b *controlpb.Finding) int {
		if a.GetGrave() != b.GetGrave() {
			if a.GetGrave() {
				return -1
			}
			return 1
		}
		return slices.Index(Codes(), Code(a.GetCode())) - slices.Index(Codes(), Code(b.GetCode()))
	})
	return c.found
}

// chart is the facts, and what was found so far.
type chart struct {
	*controlpb.DiagnoseResponse
	found []*controlpb.Finding
	// alone says that no other member has lived for long enough to tell of it.
	alone bool
	// outside are the interfaces in use that lead out of the machine, by name.
	outside map[string]*controlpb.InterfaceReport
}

func newChart(facts *controlpb.DiagnoseResponse) *chart {
	c := &chart{DiagnoseResponse: facts, outside: map[string]*controlpb.InterfaceReport{}}
	c.alone = c.GetStatus() == nil || ms(c.GetAloneMs()) >= aloneAfter
	for _, i := range c.GetInterfaces() {
		if i.GetUsed() && !i.GetLoopback() {
			c.outside[i.GetName()] = i
		}
	}
	return c
}

func (c *chart) grave(code Code, text, mend string) { c.add(true, code, text, mend) }

func (c *chart) remark(code Code, text, mend string) { c.add(false, code, text, mend) }

func (c *chart) add(grave bool, code Code, text, mend string) {
	c.found = append(c.found, &controlpb.Finding{Code: string(code), Grave: grave, Text: text, Mend: mend})
}

// has reports whether one of the codes was found, as something grave.
func (c *chart) has(codes ...Code) bool {
	return slices.ContainsFunc(c.found, func(f *controlpb.Finding) bool {
		return f.GetGrave() && slices.Contains(codes, Code(f.GetCode()))
	})
}

// self is what the command line calls the node.
func (c *chart) self() string { return c.GetStatus().GetName() }

// ms is a duration that a message has in milliseconds.
func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// called is what people call a node.
func called(name, otherwise string) string {
	switch {
	case name != "":
		return name
	case otherwise != "":
		return otherwise
	}
	return "a node without a name"
}

// mostNamed is how many of something a sentence names.
const mostNamed = 4

// together names things in a sentence.
func together(names []string) string {
	names = once(names)
	if more := len(names) - mostNamed; more > 0 {
		names = append(names[:mostNamed:mostNamed], "and more")
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	if names[last] == "and more" {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// once is names in their order, each once.
func once(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

// are is the verb for so many names.
func are(names []string) string {
	if len(once(names)) == 1 {
		return "is"
	}
	return "are"
}
