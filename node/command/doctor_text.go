package command

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"ganglion/node/doctor"
	"ganglion/proto/controlpb"
)

// printDiagnosis prints a diagnosis: a few lines where all is well, all of it where not.
func printDiagnosis(w io.Writer, d *controlpb.DiagnoseResponse, verbose bool) error {
	p := diagnosis{DiagnoseResponse: d, colours: coloured(w)}
	p.headline()
	if verbose || !doctor.Healthy(d.GetFindings()) {
		p.sections()
	} else {
		p.summary()
	}
	p.findings()
	_, err := io.WriteString(w, p.out.String())
	return err
}

// diagnosis is a diagnosis as it is written.
type diagnosis struct {
	*controlpb.DiagnoseResponse
	out     strings.Builder
	colours bool
}

func (p *diagnosis) write(cells ...cell) {
	for _, c := range cells {
		c.write(&p.out, 0, false, p.colours)
	}
	p.out.WriteString("\n")
}

// section writes a listing below a title; nothing where it has no rows.
func (p *diagnosis) section(title string, l listing) {
	if len(l.rows) == 0 {
		return
	}
	p.write(cell{title, strong})
	l.write(&p.out, "  ", p.colours)
}

// headline says in a line who was looked at and how it is.
func (p *diagnosis) headline() {
	s := p.GetStatus()
	if s == nil {
		mesh := "no token here"
		if m := p.GetPlace().GetMesh(); m != "" {
			mesh = "the token here is of mesh " + m
		}
		p.write(cell{"no node runs here: ", bad}, cell{text: mesh})
		return
	}
	how := cell{"is healthy", good}
	if !doctor.Healthy(p.GetFindings()) {
		how = cell{"is not healthy", bad}
	}
	p.write(cell{"node ", plain}, cell{s.GetName(), strong}, cell{" ", plain}, how,
		cell{text: fmt.Sprintf(": mesh %s, %s alive, version %s, up for %s", s.GetMesh(), count(s.GetAlive(), "member", "members"), s.GetVersion(), roughly(time.Duration(s.GetUptimeMs())*time.Millisecond))})
}

// summary is what there is, in a few lines.
func (p *diagnosis) summary() {
	f := facts{colours: p.colours, width: len("slowest hop") + 2}
	f.add("  interfaces", cell{text: p.interfacesText()})
	f.add("  discovery", cell{text: p.discoveryText()})
	f.add("  peers", cell{text: p.peersText()})
	f.add("  roles", cell{text: p.rolesText()})
	f.add("  slowest hop", cell{text: p.slowestText()})
	f.add("  frames", cell{text: p.framesText()})
	p.out.WriteString(f.out.String())
}

// sections is all of it.
func (p *diagnosis) sections() {
	p.section("interfaces", p.interfaceListing())
	p.section("discovery", p.wayListing())
	p.section("heard", p.heardListing())
	p.section("peers", p.peerListing())
	p.section("roles and views", p.roleListing())
	f := facts{colours: p.colours, width: len("slowest hop")}
	place := p.GetPlace()
	if p.GetStatus() == nil {
		f.addf("TCP port", "%d: %s", place.GetPortWanted(), cmp.Or(place.GetPortFault(), "free"))
		f.addf("token", "%s", cmp.Or(place.GetTokenFault(), place.GetMesh(), "none"))
	} else {
		f.addf("slowest hop", "%s", p.slowestText())
		f.addf("frames", "%s", p.framesText())
		f.addf("ports", "TCP %d, UDP %d", place.GetPort(), place.GetBeaconPort())
	}
	state := cmp.Or(place.GetState(), "in memory")
	if fault := place.GetStateFault(); fault != "" {
		state += ": " + fault
	}
	f.addf("state", "%s", state)
	p.out.WriteString(f.out.String())
}

func (p *diagnosis) interfacesText() string {
	var used, left []string
	for _, i := range p.GetInterfaces() {
		switch {
		case i.GetUsed():
			used = append(used, strings.TrimSpace(i.GetName()+" "+first(i.GetAddresses())))
		default:
			left = append(left, i.GetName())
		}
	}
	text := cmp.Or(strings.Join(used, ", "), "none")
	if len(left) > 0 {
		text += "; left out: " + strings.Join(left, ", ")
	}
	return text
}

func first(of []string) string {
	if len(of) == 0 {
		return ""
	}
	return of[0]
}

func (p *diagnosis) discoveryText() string {
	by := map[string]map[string]bool{}
	for _, h := range p.GetHeard() {
		if by[h.GetWay()] == nil {
			by[h.GetWay()] = map[string]bool{}
		}
		by[h.GetWay()][cmp.Or(h.GetPeer(), first(h.GetAddresses()))] = true
	}
	var parts []string
	for _, way := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s hears %s", way, count(len(by[way]), "node", "nodes")))
	}
	if len(parts) == 0 {
		return "nobody is heard"
	}
	return strings.Join(parts, ", ")
}

func (p *diagnosis) peersText() string {
	connected, back, asked := 0, 0, 0
	for _, one := range p.GetPeers() {
		if !one.GetUp() {
			continue
		}
		connected++
		if len(one.GetReach()) > 0 && len(one.GetReached()) > 0 {
			asked++
			if answered(one.GetReach()) && answered(one.GetReached()) {
				back++
			}
		}
	}
	switch {
	case connected == 0:
		return "none"
	case asked == 0:
		return fmt.Sprintf("%d connected", connected)
	case back == connected:
		return fmt.Sprintf("%d connected; each can be dialled, and dials back", connected)
	}
	return fmt.Sprintf("%d connected; %d can be dialled, and dial back", connected, back)
}

func (p *diagnosis) rolesText() string {
	var parts []string
	for _, role := range []string{"aggregator", "coordinator", "cloud"} {
		var names []string
		for _, m := range p.GetMembers() {
			if slices.Contains(m.GetRoles(), role) && (m.GetState() == "alive" || m.GetState() == "suspect") {
				names = append(names, m.GetName())
			}
		}
		if len(names) > 0 {
			parts = append(parts, role+" "+strings.Join(names, ", "))
		}
	}
	fed := map[string]bool{}
	for _, m := range p.GetMembers() {
		for _, view := range m.GetViews() {
			fed[view] = true
		}
	}
	parts = append(parts, fmt.Sprintf("%d of %s fed", len(fed), count(len(p.GetStatus().GetViews()), "view", "views")))
	return strings.Join(parts, "; ")
}

func (p *diagnosis) slowestText() string {
	slow, name := time.Duration(p.GetSlowestUs())*time.Microsecond, p.GetSlowest()
	for _, one := range p.GetPeers() {
		if best := time.Duration(one.GetRoundTripUs()) * time.Microsecond; best > slow {
			slow, name = best, one.GetName()
		}
	}
	if slow == 0 {
		return "none was measured"
	}
	return fmt.Sprintf("%s, to %s (%v are expected at most)", milliseconds(slow), name, time.Duration(p.GetRoundTripMaxUs())*time.Microsecond)
}

func (p *diagnosis) framesText() string {
	full, gossip, bad := p.GetFullFrames(), p.GetLostGossip(), p.GetRefusedPayloads()
	if full+gossip+bad == 0 {
		return "none dropped"
	}
	return fmt.Sprintf("%d dropped for slow peers, %d messages missed, %d refused", full, gossip, bad)
}

// findings writes what is wrong and what mends it, below one another.
func (p *diagnosis) findings() {
	if len(p.GetFindings()) == 0 {
		return
	}
	const width, indent = 92, "    "
	p.write(cell{"findings", strong})
	for _, f := range p.GetFindings() {
		how := cell{f.GetCode(), bad}
		if !f.GetGrave() {
			how = cell{f.GetCode() + " (a remark)", middle}
		}
		p.write(cell{text: "  "}, how)
		for _, line := range wrapWhole(f.GetText(), width) {
			p.write(cell{text: indent + line})
		}
		for i, line := range wrapWhole(f.GetMend(), width-len("do: ")) {
			lead := "    "
			if i == 0 {
				lead = "do: "
			}
			p.write(cell{text: indent}, cell{lead, faint}, cell{line, good})
		}
	}
}

// wrapWhole is wrap, but for commands in single quotes: they stay in one piece, to be copied.
func wrapWhole(text string, width int) []string {
	const blank = '\x00' // stands for the blanks in a command
	inside := false
	before := ' '
	whole := strings.Map(func(r rune) rune {
		switch {
		case r == '\'' && !inside && (before == ' ' || before == '('):
			inside = true
		case r == '\'':
			inside = false
		case r == ' ' && inside:
			r = blank
		default:
		}
		before = r
		return r
	}, text)
	lines := wrap(whole, width)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], string(blank), " ")
	}
	return lines
}
