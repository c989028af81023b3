package doctor

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/mesh/secret"
	"ganglion/proto/controlpb"
)

// Discovery puts into facts what discovery knows: interfaces, ways, and who was heard. listed
// are the machine's interfaces, only those that it is restricted to.
func Discovery(facts *controlpb.DiagnoseResponse, s *discovery.Status, listed []discovery.Interface, only []string) {
	facts.Interfaces = interfaces(listed, only)
	facts.Ways = append(beacons(s, time.Now()), others(s, time.Now())...)
	facts.Heard = append(heard(s, facts.GetPlace().GetMesh()), foreign(s)...)
}

// interfaces are all of the machine, those in use first.
func interfaces(listed []discovery.Interface, only []string) (all []*controlpb.InterfaceReport) {
	used, skipped := discovery.Select(listed, only)
	for _, i := range used {
		all = append(all, describe(i))
		all[len(all)-1].Used = true
	}
	for _, s := range skipped {
		at := slices.IndexFunc(listed, func(i discovery.Interface) bool { return i.Name == s.Interface })
		report := &controlpb.InterfaceReport{Name: s.Interface}
		if at >= 0 {
			report = describe(listed[at])
			// It would be used if it were named: only what it is stands against it.
			named, _ := discovery.Select(listed[at:at+1], []string{s.Interface})
			report.Virtual = len(only) == 0 && len(named) == 1
		}
		report.Why = s.Reason
		all = append(all, report)
	}
	return all
}

func describe(i discovery.Interface) *controlpb.InterfaceReport {
	report := &controlpb.InterfaceReport{
		Name: i.Name, Multicast: i.Flags&net.FlagMulticast != 0, Broadcast: i.Flags&net.FlagBroadcast != 0,
		Loopback: i.Loopback(), Up: i.Flags&net.FlagUp != 0,
	}
	for _, prefix := range i.Prefixes {
		report.Addresses = append(report.Addresses, prefix.String())
	}
	return report
}

// beacons are the lanes in use, and those that cannot be used.
func beacons(s *discovery.Status, now time.Time) (all []*controlpb.WayReport) {
	for i := range s.Lanes {
		lane := &s.Lanes[i]
		if !lane.Open && lane.HearFault == "" && lane.SendFault == "" {
			continue // it was in use
		}
		report := &controlpb.WayReport{
			Way: string(discovery.Beacon), Interface: lane.Interface, Sent: lane.Sent, Heard: lane.Heard, Own: lane.Own,
			Refused: refused(lane.Refused), Fault: lane.HearFault, Deaf: lane.HearFault != "", ForMs: since(lane.Since, now),
		}
		if lane.HearFault == "" && lane.SendFault != "" {
			report.Fault, report.Mute = lane.SendFault, true
		}
		all = append(all, report)
	}
	return all
}

// others are the other ways.
func others(s *discovery.Status, now time.Time) []*controlpb.WayReport {
	all := []*controlpb.WayReport{{
		Way: string(discovery.MDNS), Interface: strings.Join(s.MDNS.Interfaces, ", "), Sent: s.MDNS.Starts, Heard: s.MDNS.Heard, Own: s.MDNS.Own,
		Refused: refused(s.MDNS.Refused), Fault: s.MDNS.Fault, ForMs: since(s.MDNS.Since, now),
	}}
	for _, j := range s.Joins {
		all = append(all, &controlpb.WayReport{
			Way: string(discovery.Join), Target: j.Target, Sent: j.Attempts, Fault: j.Fault, Cause: string(link.CauseOf(j.Cause)),
		})
	}
	if s.Remembered != (discovery.RememberedStatus{}) {
		all = append(all, &controlpb.WayReport{Way: string(discovery.Remembered), Heard: uint64(max(0, s.Remembered.Read)), Fault: s.Remembered.Fault})
	}
	return all
}

func refused(counts map[discovery.Refusal]uint64) map[string]uint64 {
	out := map[string]uint64{}
	for why, n := range counts {
		out[string(why)] = n
	}
	return out
}

// since is how long something has been so, in milliseconds; 0 where it is not.
func since(at, now time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return max(1, now.Sub(at).Milliseconds())
}

// heard are the members that were heard.
func heard(s *discovery.Status, mesh string) (all []*controlpb.HeardReport) {
	for i := range s.Heard {
		one := &s.Heard[i]
		report := &controlpb.HeardReport{
			Name: one.Name, Mesh: mesh, Way: string(one.Way), Interface: one.Interface, AgoMs: one.Silent.Milliseconds(),
			SinceMs: one.Known.Milliseconds(), BeaconVersion: discovery.Version, Open: mesh == openMesh(),
		}
		if id, err := secret.MemberIDOf(one.Peer); err == nil {
			report.Peer = string(id)
		}
		report.Addresses = texts(one.Addresses)
		all = append(all, report)
	}
	return all
}

// foreign are the nodes of other meshes, and of other versions.
func foreign(s *discovery.Status) (all []*controlpb.HeardReport) {
	for i := range s.Foreign {
		one := &s.Foreign[i]
		all = append(all, &controlpb.HeardReport{
			Name: one.Name, Mesh: string(one.Fingerprint), Way: string(one.Way), Interface: one.Interface, AgoMs: one.Silent.Milliseconds(),
			SinceMs: one.Known.Milliseconds(), BeaconVersion: uint32(one.Version), Open: string(one.Fingerprint) == openMesh(),
			Addresses: texts([]netip.AddrPort{one.Address}),
		})
	}
	return all
}

// openMesh is the fingerprint of the one mesh without a secret.
func openMesh() string { return string(secret.OpenKeys().Fingerprint) }

func texts(addresses []netip.AddrPort) (all []string) {
	for _, a := range addresses {
		if a.Port() == 0 {
			all = append(all, a.Addr().String())
			continue
		}
		all = append(all, a.String())
	}
	return all
}
