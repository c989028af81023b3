package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ofBundle tells of members that do not have the model that the mesh wants.
func (c *chart) ofBundle() {
	status := c.GetStatus()
	wanted := status.GetPublished()
	settled := ms(c.GetWantedMs()) >= settledAfter
	switch {
	case c.GetBundleFault() != "" && (settled || c.alone):
		c.grave(MissingBundle, fmt.Sprintf("This node lacks model %s, which was published: %s.", short(wanted), strings.TrimSuffix(c.GetBundleFault(), ".")), "'ganglion model publish FILE' at any node, with the model's file")
	case wanted != "" && wanted != status.GetBundle() && settled:
		c.grave(MissingBundle, fmt.Sprintf("This node has used model %s for %v although %s was published.", short(status.GetBundle()), ms(c.GetWantedMs()).Round(time.Second), short(wanted)), "'ganglion model publish FILE' at any node, with the model's file")
	default:
	}
	if wanted != "" && !settled {
		return // on its way
	}
	var lacking, uses []string
	for _, m := range c.GetMembers() {
		known := m.GetState() == "alive" && !m.GetSelf() && m.GetBundle() != "" && ms(m.GetSinceMs()) >= settledAfter
		if !known {
			continue
		}
		uses = append(uses, m.GetBundle())
		if wanted != "" && m.GetBundle() != wanted {
			lacking = append(lacking, called(m.GetName(), m.GetPeer()))
		}
	}
	if len(lacking) > 0 {
		c.grave(MissingBundle, fmt.Sprintf("%s %s not use model %s, which was published: their views are missing from samples.", together(lacking), does(lacking), short(wanted)), "'ganglion doctor' on its machine says why; publishing the model once more has all of them fetch it")
	}
	if wanted == "" && slices.ContainsFunc(uses, func(id string) bool { return id != status.GetBundle() }) {
		c.grave(MissingBundle, "None was published, and the members use different models: their samples do not fit together.", "'ganglion model publish FILE' has all of them use one")
	}
}

func does(names []string) string {
	if len(once(names)) == 1 {
		return "does"
	}
	return "do"
}

// short is the beginning of an identifier in hexadecimal.
func short(id string) string {
	const digits = 12
	return id[:min(digits, len(id))]
}

// ofSources tells of sources that feed no view.
func (c *chart) ofSources() {
	for _, s := range c.GetIdle() {
		mend := "'ganglion status' tells the views and who feeds them; then start this node with --source SPEC@VIEW"
		switch s.GetReason() {
		case "claimed":
			c.grave(ViewTwice, fmt.Sprintf("View %s is claimed twice: %s feeds it, and so would this node's source %s.", s.GetView(), called(s.GetHolder(), ""), s.GetRef()),
				s.GetText())
		case "spare":
			c.remark(IdleSource, fmt.Sprintf("Source %s is a spare: every view is fed, and it takes over one that falls free.", s.GetRef()), "nothing")
		default:
			if ms(c.GetStatus().GetUptimeMs()) >= settledAfter {
				c.grave(IdleSource, fmt.Sprintf("Source %s feeds no view: %s.", s.GetRef(), strings.TrimSuffix(s.GetText(), ".")), mend)
			}
		}
	}
}

// ofRoles tells of roles that nobody has although somebody feeds a view.
func (c *chart) ofRoles() {
	held := map[string]bool{}
	views := false
	for _, m := range c.GetMembers() {
		if m.GetState() != "alive" && m.GetState() != "suspect" {
			continue
		}
		views = views || len(m.GetViews()) > 0
		for _, role := range m.GetRoles() {
			held[role] = true
		}
	}
	if !views || ms(c.GetStatus().GetUptimeMs()) < settledAfter {
		return
	}
	var vacant []string
	for _, role := range []string{"aggregator", "cloud", "coordinator"} {
		if !held[role] {
			vacant = append(vacant, role)
		}
	}
	if len(vacant) > 0 {
		c.grave(RoleVacant, fmt.Sprintf("Nobody is %s: samples are not answered, or not by that tier.", together(vacant)), "'ganglion members' shows who is there; one of them must run with the role among its --eligible")
	}
}

// ofSpeed tells of hops, and of a node, that are too slow.
func (c *chart) ofSpeed() {
	most := time.Duration(c.GetRoundTripMaxUs()) * time.Microsecond
	slow, name := time.Duration(c.GetSlowestUs())*time.Microsecond, c.GetSlowest()
	for _, p := range c.GetPeers() {
		if best := time.Duration(p.GetRoundTripUs()) * time.Microsecond; p.GetUp() && ms(p.GetSinceMs()) >= settledAfter && best > slow {
			slow, name = best, called(p.GetName(), p.GetPeer())
		}
	}
	if most > 0 && slow > most {
		c.grave(SlowHop, fmt.Sprintf("The round trip to %s takes %v, and this node expects %v at most: members may be taken for dead.", called(name, ""), slow.Round(time.Millisecond), most),
			fmt.Sprintf("at every node 'ganglion node --round-trip-max %v'; or find what is slow: ping, Wi-Fi signal, load of that machine", nextUp(slow)))
	}
	const strained = 3
	if c.GetStrained() >= strained {
		c.remark(SlowNode, "This node is late itself: its own probes are answered, and it looks too late.", "'top' shows what else runs on this machine")
	}
}

// nextUp is a round duration that is well above another.
func nextUp(d time.Duration) time.Duration {
	const step = 50 * time.Millisecond
	return (d + d/2 + step).Truncate(step)
}

// ofFrames tells of what was lost on its way, or had no room.
func (c *chart) ofFrames() {
	if full, gossip := c.GetFullFrames(), c.GetLostGossip(); full > 0 || gossip > 0 {
		c.remark(DroppedFrames, fmt.Sprintf("Since the start %d frames were dropped because their peer took them too slowly, and %d messages of others because this node did. What was in them was sent again, or is missing.", full, gossip),
			"'ganglion set rate/SITE N' lowers the beats a second; or find the machine that is too slow with 'ganglion members'")
	}
	if refused := c.GetStatus().GetRetention().GetRefused(); refused > 0 {
		c.remark(NoRoom, fmt.Sprintf("Since the start %d samples were refused for lack of room: their verdicts took too long.", refused), "'ganglion set rate/SITE N' lowers the beats a second; --retention SIZE gives more room")
	}
}

// ofRefusals tells of what was refused of others.
func (c *chart) ofRefusals() {
	for _, r := range c.GetRefusals() {
		if r.GetKind() != "version" {
			c.remark(Refused, fmt.Sprintf("Of member %s, %d messages were refused; the last was a %s: %s.", called(r.GetName(), ""), r.GetCount(), r.GetKind(), strings.TrimSuffix(r.GetText(), ".")),
				"'ganglion version' on both machines; a member that goes on so is thrown out with 'ganglion set denied PEER', with those named before it who are denied already")
		}
	}
	var forged uint64
	for _, w := range c.ways(wayBeacon) {
		forged += w.GetRefused()["forged"]
	}
	for _, w := range c.ways(wayMDNS) {
		forged += w.GetRefused()["forged"]
	}
	if forged > 0 {
		c.remark(Forged, fmt.Sprintf("%d announcements had this mesh's fingerprint and were not made with its token: damaged on the way, or somebody pretends.", forged), "nothing: they were refused")
	}
}
