package command

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ganglion/proto/controlpb"
)

func (p *diagnosis) interfaceListing() listing {
	l := listing{names: []string{"NAME", "USED", "MULTICAST", "ADDRESSES", "WHY NOT"}}
	for _, i := range p.GetInterfaces() {
		used := cell{"no", faint}
		if i.GetUsed() {
			used = cell{"yes", good}
		}
		multicast := yesNo(i.GetMulticast())
		if i.GetLoopback() {
			multicast = cell{text: "-"} // it needs none
		}
		l.add(cell{i.GetName(), strong}, used, multicast, joined(i.GetAddresses()...), cell{text: i.GetWhy()})
	}
	return l
}

func yesNo(is bool) cell {
	if is {
		return cell{text: "yes"}
	}
	return cell{text: "no"}
}

func (p *diagnosis) wayListing() listing {
	l := listing{
		names: []string{"WAY", "ON", "SENT", "HEARD", "OWN BACK", "REFUSED", "FAULT"},
		right: map[int]bool{2: true, 3: true, 4: true},
	}
	for _, w := range p.GetWays() {
		var refused []string
		for _, why := range slices.Sorted(maps.Keys(w.GetRefused())) {
			refused = append(refused, fmt.Sprintf("%d %s", w.GetRefused()[why], why))
		}
		own := cell{}
		if w.GetWay() == "beacon" || w.GetWay() == "mdns" {
			own = cell{text: fmt.Sprint(w.GetOwn())}
		}
		l.add(cell{w.GetWay(), strong}, cell{text: cmp.Or(w.GetInterface(), w.GetTarget())}, cell{text: fmt.Sprint(w.GetSent())},
			cell{text: fmt.Sprint(w.GetHeard())}, own, joined(refused...), cell{w.GetFault(), middle})
	}
	return l
}

func (p *diagnosis) heardListing() listing {
	l := listing{names: []string{"NAME", "MESH", "BY", "ON", "ADDRESS", "LAST"}}
	for _, h := range p.GetHeard() {
		mesh := cell{text: h.GetMesh()}
		switch own := p.GetPlace().GetMesh(); {
		case h.GetMesh() == "":
			mesh = cell{fmt.Sprintf("unknown, version %d", h.GetBeaconVersion()), bad}
		case own == "":
		case h.GetMesh() == own:
			mesh.style = good
		default:
			mesh.style = bad
		}
		l.add(cell{cmp.Or(h.GetName(), "(no name)"), strong}, mesh, cell{text: h.GetWay()}, cell{text: h.GetInterface()},
			joined(h.GetAddresses()...), cell{text: fmt.Sprintf("%d s ago", h.GetAgoMs()/1000)})
	}
	return l
}

func (p *diagnosis) peerListing() listing {
	l := listing{
		names: []string{"NAME", "STATE", "LINK", "RTT", "P99", "IS DIALLED", "DIALS US", "VERSION", "FAULT"},
		right: map[int]bool{3: true, 4: true},
	}
	trip := func(us int64) cell {
		if us == 0 {
			return cell{}
		}
		return cell{text: milliseconds(time.Duration(us) * time.Microsecond)}
	}
	for _, one := range p.GetPeers() {
		up := cell{"down", bad}
		switch {
		case one.GetUp() && one.GetInbound():
			up = cell{"up, dialled by it", good}
		case one.GetUp():
			up = cell{"up", good}
		default:
		}
		fault := ""
		if !one.GetUp() {
			fault = cmp.Or(one.GetCause(), one.GetFault())
		}
		l.add(cell{one.GetName(), strong}, peerState(one), up, trip(one.GetRoundTripUs()), trip(one.GetRoundTripP99Us()),
			reachText(one.GetReach()), reachText(one.GetReached()), cell{text: one.GetVersion()}, cell{fault, middle})
	}
	return l
}

// peerState is stateCell for a peer, which may be no member.
func peerState(p *controlpb.PeerReport) cell {
	if p.GetState() == "unknown" {
		return cell{"not a member", middle}
	}
	return stateCell(&controlpb.Member{State: p.GetState(), SinceMs: p.GetSinceMs()})
}

// answered reports whether one of the addresses that were dialled answers.
func answered(reports []*controlpb.ReachReport) bool {
	return slices.ContainsFunc(reports, func(r *controlpb.ReachReport) bool { return r.GetCause() == "" })
}

// reachText says what came of dialling: yes where one address answers.
func reachText(reports []*controlpb.ReachReport) cell {
	if len(reports) == 0 {
		return cell{}
	}
	if answered(reports) {
		return cell{"yes", good}
	}
	var causes []string
	for _, r := range reports {
		if !slices.Contains(causes, r.GetCause()) {
			causes = append(causes, r.GetCause())
		}
	}
	return cell{strings.Join(causes, ", "), bad}
}

func (p *diagnosis) roleListing() listing {
	l := listing{names: []string{"NAME", "STATE", "ROLES", "NEXT FOR", "VIEWS", "BUNDLE"}}
	published := p.GetStatus().GetPublished()
	for _, m := range p.GetMembers() {
		bundle := cell{text: shortID(m.GetBundle())}
		if published != "" && m.GetBundle() != published {
			bundle.style = bad
		}
		l.add(cell{m.GetName(), strong}, stateCell(m), cell{text: roleText(m.GetRoles())}, cell{text: roleText(m.GetStandbyFor())}, joined(m.GetViews()...), bundle)
	}
	return l
}
