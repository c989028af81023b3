package node

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"ganglion/mesh"
	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/node/doctor"
	"ganglion/node/source"
	"ganglion/proto/controlpb"
)

// The limits of a diagnosis.
const (
	// diagnoseWait bounds all of it: of whoever is not asked by then it tells nothing.
	diagnoseWait = 12 * time.Second
	// refusalMemory is for how long something that was refused is told of.
	refusalMemory = 10 * time.Minute
)

// Diagnose tells how this node finds others and is found, and what is wrong.
func (a *api) Diagnose(ctx context.Context, q *controlpb.DiagnoseRequest) (*controlpb.DiagnoseResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, diagnoseWait)
	defer cancel()
	status, err := a.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, err
	}
	out := &controlpb.DiagnoseResponse{Status: status}
	if err := a.inEngine(ctx, func() { a.diagnoseEngine(out) }); err != nil {
		return nil, err
	}
	s := a.mesh.Status()
	out.Place = a.place(&s)
	a.diagnoseMesh(out, &s)
	var listed []discovery.Interface
	if a.config.Mesh.Sockets == nil { // else the machine's interfaces are not what it uses
		if listed, err = discovery.SystemInterfaces(); err != nil {
			out.Place.DiscoveryFault = err.Error()
		}
	}
	doctor.Discovery(out, &s.Discovery, listed, a.config.Mesh.Interfaces)
	out.Peers = a.peers(out)
	if !q.GetWithoutProbes() {
		a.probe(ctx, out.GetPeers())
		// That takes seconds: who has died meanwhile is not there and unreachable.
		if err := a.inEngine(ctx, func() { out.Members = a.membersView().GetMembers() }); err != nil {
			return nil, err
		}
		a.refresh(out)
	}
	out.Findings = doctor.Judge(out)
	return out, nil
}

// diagnoseEngine tells what the engine owns.
func (e *engine) diagnoseEngine(out *controlpb.DiagnoseResponse) {
	out.Members = e.membersView().GetMembers()
	out.Idle = e.views.idle()
	out.BundleFault = e.plan.fault
	if e.plan.named {
		out.WantedMs = e.now().Sub(e.plan.since).Milliseconds()
	}
	out.UnsentFrames, out.FullFrames = e.counters.unsent.Load(), e.counters.full.Load()
	out.RefusedPayloads = e.counters.refused.Load()
}

// diagnoseMesh tells what the mesh knows.
func (e *engine) diagnoseMesh(out *controlpb.DiagnoseResponse, s *mesh.Status) {
	out.AloneMs, out.HadCompany, out.Clones = s.Alone.Milliseconds(), s.HadCompany, s.Clones
	for _, id := range s.Denied {
		out.Denied = append(out.Denied, string(id))
	}
	if s.Impairment != (link.Impairment{}) {
		out.Impaired = s.Impairment.String()
	}
	names := map[string]string{}
	for _, m := range out.GetMembers() {
		names[m.GetPeer()] = m.GetName()
	}
	nameOf := func(id mesh.MemberID) string { return cmp.Or(names[string(id)], id.Short()) }
	out.RoundTripMaxUs = e.config.Mesh.RoundTripMax.Microseconds()
	if out.SlowestUs = s.Membership.RoundTrip.Microseconds(); out.GetSlowestUs() > 0 {
		out.Slowest = nameOf(s.Membership.RoundTripPeer)
	}
	out.Strained = int32(s.Membership.HealthScore)
	out.LostGossip = s.Gossip.Overflow
	refused := s.Membership.Refused
	out.Refused = map[string]uint64{
		"packets": refused.Packets, "streams": refused.Streams, "metas": refused.Metas, "versions": refused.Versions,
		"records": refused.Records, "settings": refused.Settings, "states": refused.States, "clones": refused.Clones,
	}
	for why, n := range s.Gossip.Refused {
		out.Refused["gossip: "+why] = n
	}
	for why, n := range out.GetRefused() {
		if n == 0 {
			delete(out.Refused, why)
		}
	}
	for _, f := range s.Membership.Faults {
		if ago := time.Since(f.At); ago < refusalMemory && f.Peer != "" && !slices.Contains(s.Denied, f.Peer) {
			out.Refusals = append(out.Refusals, &controlpb.RefusalReport{
				Name: nameOf(f.Peer), Kind: f.Kind, Text: f.Err.Error(), Count: f.Count, AgoMs: ago.Milliseconds(),
			})
		}
	}
}

// place is what this node has to work with.
func (a *api) place(s *mesh.Status) *controlpb.PlaceReport {
	c := &a.config.Mesh
	p := &controlpb.PlaceReport{
		State: a.config.Dir, Mesh: string(a.mesh.Fingerprint()), Open: a.config.Open, Only: c.Interfaces,
		BeaconPort: uint32(c.BeaconPort), PortWanted: uint32(c.Port), BeaconVersion: discovery.Version, DiscoveryFault: s.Discovery.Fault,
	}
	if p.GetState() != "" {
		p.StateFault = doctor.Unwritable(p.GetState())
	}
	for _, way := range c.Without {
		p.Without = append(p.Without, string(way))
	}
	for _, address := range a.mesh.Addresses() {
		p.Port = uint32(address.Port())
	}
	return p
}

// peers are the members besides this node, and who was heard without being one.
func (a *api) peers(of *controlpb.DiagnoseResponse) (all []*controlpb.PeerReport) {
	add := func(id mesh.MemberID, name, state, version string, since int64) {
		contact, health := a.mesh.Contact(id), a.mesh.Health(id)
		p := &controlpb.PeerReport{
			Name: name, Peer: string(id), State: state, Version: version, SinceMs: since, Up: health.Up || len(contact.Lines) > 0,
			RoundTripUs: health.RoundTrip.Best.Microseconds(), RoundTripP99Us: health.RoundTrip.P99.Microseconds(),
			Cause: string(link.CauseOf(contact.Err)), Failures: contact.Failures,
			Inbound: slices.ContainsFunc(contact.Lines, func(l link.Line) bool { return l.Inbound }),
		}
		if contact.Err != nil {
			p.Fault = contact.Err.Error()
		}
		for _, address := range contact.Addresses {
			p.Addresses = append(p.Addresses, address.String())
		}
		slices.Sort(p.Addresses)
		all = append(all, p)
	}
	known := map[string]bool{string(a.self): true}
	for _, m := range of.GetMembers() {
		if !m.GetSelf() {
			add(mesh.MemberID(m.GetPeer()), m.GetName(), m.GetState(), m.GetVersion(), m.GetSinceMs())
		}
		known[m.GetPeer()] = true
	}
	for _, h := range of.GetHeard() {
		if h.GetPeer() != "" && !known[h.GetPeer()] {
			add(mesh.MemberID(h.GetPeer()), h.GetName(), "unknown", "", h.GetSinceMs())
			known[h.GetPeer()] = true
		}
	}
	slices.SortStableFunc(all, func(a, b *controlpb.PeerReport) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all
}

// refresh has peers say what has become of them since they were asked.
func (a *api) refresh(of *controlpb.DiagnoseResponse) {
	for _, p := range of.GetPeers() {
		for _, m := range of.GetMembers() {
			if m.GetPeer() == p.GetPeer() {
				p.State, p.SinceMs = m.GetState(), m.GetSinceMs()
			}
		}
		if id := mesh.MemberID(p.GetPeer()); !p.GetUp() {
			p.Up = a.mesh.Health(id).Up
		}
	}
}

// probe dials the peers that should be there, and has those that are connected dial back.
func (a *api) probe(ctx context.Context, peers []*controlpb.PeerReport) {
	var probing sync.WaitGroup
	room := make(chan struct{}, probesAtOnce)
	for _, p := range peers {
		if p.GetState() == "left" || p.GetState() == "down" {
			continue
		}
		probing.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			id := mesh.MemberID(p.GetPeer())
			var both sync.WaitGroup
			both.Go(func() { p.Reach = a.reach(ctx, id, a.mesh.Contact(id).Addresses) })
			if p.GetUp() {
				both.Go(func() {
					reports, err := a.reached(ctx, id)
					if p.Reached = reports; err != nil {
						p.ReachedFault = err.Error()
					}
				})
			}
			both.Wait()
		})
	}
	probing.Wait()
}

// idle is the sources that feed no view, and why: what explain says, for programs.
func (b *viewBook) idle() (all []*controlpb.IdleSource) {
	free := b.settled.Free()
	for _, f := range b.feeds {
		if f.view >= 0 || f.why == "" && f.fault == "" {
			continue
		}
		s := &controlpb.IdleSource{Ref: f.spec.Ref, Text: cmp.Or(f.why, f.fault), Reason: "unnamed"}
		if f.want >= 0 {
			s.View = b.name(f.want)
		}
		switch {
		case f.fault != "":
			s.Reason = "broken"
		case f.spec.View != "" && f.want < 0:
			s.Reason, s.View = "unknown", f.spec.View
		case f.want >= 0 && b.settled.Holders[f.want] != "":
			s.Reason, s.Holder = "claimed", b.engine.nameOf(b.settled.Holders[f.want])
		case f.spec.Kind == source.KindReplay && len(free) == 0:
			s.Reason = "spare"
		default:
		}
		all = append(all, s)
	}
	return all
}
