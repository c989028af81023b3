package node

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"ganglion/mesh"
	"ganglion/node/source"
	"ganglion/proto/controlpb"
	"ganglion/roles"
)

// The limits of asking others for how they see the mesh.
const (
	membersWait  = time.Second
	membersBytes = 1 << 20
)

// Status tells what the node is and does.
func (a *api) Status(ctx context.Context, _ *controlpb.StatusRequest) (*controlpb.StatusResponse, error) {
	out := &controlpb.StatusResponse{
		Name: a.config.Name, Peer: string(a.self), Pid: int64(os.Getpid()), Version: a.config.Version,
		Mesh: string(a.mesh.Fingerprint()), Open: a.config.Open, Api: a.node.apiAddress(), Page: a.node.pageAddress(), Site: string(a.config.Site),
		UptimeMs: time.Since(a.start).Milliseconds(), Traffic: a.traffic(),
	}
	for _, address := range a.mesh.Addresses() {
		out.Addresses = append(out.Addresses, address.String())
	}
	status := a.mesh.Status()
	err := a.inEngine(ctx, func() {
		now := a.now()
		e := a.engine
		b := e.plan.current
		out.Bundle, out.Synthetic = b.ID().String(), b.Provenance().GetSynthetic()
		out.Views, out.Classes = b.Topology().Views, b.Topology().Classes
		if e.plan.named {
			out.Published = e.plan.wanted.String()
		}
		out.Sources, out.Warnings = e.views.describe()
		out.Warnings = append(out.Warnings, e.pinnedInVain()...)
		if e.plan.fault != "" {
			out.Warnings = append(out.Warnings, e.plan.fault)
		}
		out.Thresholds, out.ThresholdsNext = e.thresholdsOfRun()
		out.Warnings = append(out.Warnings, e.unsettled()...)
		out.Roles, out.StandbyFor = e.partsOf(e.self)
		for i := range e.members {
			if e.members[i].alive() {
				out.Alive++
			}
		}
		counts := e.roles.Device().Retention().Counts()
		out.Retention = &controlpb.Retention{
			Captured: counts.Captured, Released: counts.Released, Refused: counts.Refused,
			Retained: uint64(counts.Retained), RetainedBytes: uint64(counts.RetainedBytes),
		}
		paid := e.roles.Device().Payload()
		out.Traffic.PayloadSentBytes, out.Traffic.PayloadAgainBytes, out.Traffic.SeenViews = paid.Bytes, paid.Again, paid.SeenViews
		if run := e.runRecord(e.config.Site); run != nil {
			out.Run = e.describeRun(now, run)
			out.Tally = e.tally(e.config.Site, run.Run)
		} else if run, beat := e.watchedRun(e.config.Site); run != 0 {
			out.Run = &controlpb.Run{
				Site: string(e.config.Site), Run: run.String(), Beat: int64(beat), Floor: uint64(e.roles.Log(e.config.Site).FloorOf(run)),
			}
			out.Tally = e.tally(e.config.Site, run)
		}
	})
	out.Warnings = append(out.Warnings, status.Warnings...)
	out.AllowsChaos, out.Faults = a.config.AllowChaos, a.faults()
	return out, err
}

// describeRun is a run record and where it is.
func (e *engine) describeRun(now roles.Instant, run *roles.RunRecord) *controlpb.Run {
	out := &controlpb.Run{
		Site: string(run.Site), Run: run.Run.String(), PeriodNs: int64(run.Period), Count: uint64(run.Count), Beat: -1,
		Floor: uint64(e.roles.Log(run.Site).FloorOf(run.Run)), Split: run.Split,
	}
	if run.Replayed() {
		out.Data = fmt.Sprintf("%x", run.Data)
	}
	var since time.Duration
	if c := e.roles.Coordinator(run.Site); c != nil {
		_, since = c.Running(now)
	} else if clock := e.roles.Device().Clock(); clock != nil {
		since, _ = clock.Since(now)
	}
	beat := run.BeatAt(since)
	if run.Ended(beat) {
		beat = run.Count - 1
	}
	out.Beat = int64(beat)
	return out
}

// describe is the sources and, as warnings, why some feed no view.
func (b *viewBook) describe() (out []*controlpb.Source, warnings []string) {
	for _, f := range b.feeds {
		s := &controlpb.Source{Kind: string(f.spec.Kind), Ref: f.spec.Ref, Fault: f.why}
		if f.view >= 0 {
			s.View = b.name(f.view)
		}
		s.Ready = f.src != nil && f.fault == ""
		if r, ok := f.src.(*source.Replay); ok {
			s.Data, s.Split, s.Samples = fmt.Sprintf("%x", r.Data()), r.Split(), uint64(r.Len())
		}
		if s.Fault == "" {
			s.Fault = f.fault
		}
		if s.Fault != "" {
			warnings = append(warnings, fmt.Sprintf("source %s: %s", f.spec.Ref, s.GetFault()))
		}
		out = append(out, s)
	}
	return out, warnings
}

// part is the roles that a peer has, and those that it would have next.
type part struct{ has, next []string }

// parts is the part of each peer that has one.
func (e *engine) parts() map[roles.Peer]*part {
	all := map[roles.Peer]*part{}
	of := func(p roles.Peer) *part {
		if all[p] == nil {
			all[p] = &part{}
		}
		return all[p]
	}
	add := func(list *[]string, what ...string) {
		for _, one := range what {
			if !slices.Contains(*list, one) {
				*list = append(*list, one)
			}
		}
	}
	aggregator := []string{"aggregator"}
	if e.plan.current.Topology().Edge != nil {
		aggregator = append(aggregator, "edge")
	}
	for _, site := range e.roles.Sites() {
		s := e.roles.Scene(site)
		for _, p := range s.Views {
			add(&of(p).has, "device")
		}
		for _, h := range s.Aggregators {
			add(&of(h.Peer).has, aggregator...)
		}
		add(&of(s.Coordinator.Peer).has, "coordinator")
		add(&of(s.Cloud.Peer).has, "cloud")
	}
	for _, a := range e.roles.Assignments() {
		standbys := a.Standbys()
		if len(standbys) == 0 {
			continue
		}
		next := &of(standbys[0]).next
		switch a.Role.Kind {
		case roles.AggregatorKind:
			add(next, aggregator...)
			if len(e.roles.Groups) == 1 {
				add(next, "coordinator")
			}
		case roles.CloudKind:
			add(next, "cloud")
		default:
			add(next, "coordinator")
		}
	}
	delete(all, "") // what nobody has
	return all
}

// partsOf is the roles that a peer has, and those that it would have next.
func (e *engine) partsOf(p roles.Peer) (has, next []string) {
	if one := e.parts()[p]; one != nil {
		return one.has, one.next
	}
	return nil, nil
}

// Members tells who is in the mesh.
func (a *api) Members(ctx context.Context, q *controlpb.MembersRequest) (*controlpb.MembersResponse, error) {
	var own *controlpb.MembersView
	var others []memberState
	if err := a.inEngine(ctx, func() {
		own = a.membersView()
		others = slices.Clone(a.members)
	}); err != nil {
		return nil, err
	}
	out := &controlpb.MembersResponse{Views: []*controlpb.MembersView{own}}
	if !q.GetAll() {
		return out, nil
	}
	ctx, cancel := context.WithTimeout(ctx, membersWait)
	defer cancel()
	views := make([]*controlpb.MembersView, len(others))
	var asking sync.WaitGroup
	for i := range others {
		if m := &others[i]; !m.self && m.alive() {
			asking.Go(func() { views[i] = a.viewOf(ctx, m) })
		}
	}
	asking.Wait()
	for _, v := range views {
		if v != nil {
			out.Views = append(out.Views, v)
		}
	}
	return out, nil
}

// viewOf asks a member how it sees the mesh.
func (a *api) viewOf(ctx context.Context, m *memberState) *controlpb.MembersView {
	view := &controlpb.MembersView{}
	reply, err := a.mesh.Request(ctx, mesh.MemberID(m.peer), kindMembers, nil, membersBytes)
	if err == nil {
		err = proto.Unmarshal(reply, view)
	}
	if err != nil {
		return &controlpb.MembersView{SeenBy: m.name(), Fault: err.Error()}
	}
	return view
}

// serveMembers answers how this node sees the mesh.
func (e *engine) serveMembers(m mesh.Message) {
	e.later(func() {
		payload, err := proto.Marshal(e.membersView())
		if err != nil {
			e.refuse(m, "cannot say")
			return
		}
		e.reply(m, payload)
	})
}

// membersView is the members as this node sees them.
func (e *engine) membersView() *controlpb.MembersView {
	out := &controlpb.MembersView{SeenBy: e.config.Name, Members: e.describeMembers()}
	e.measure(out.Members)
	return out
}

// measure fills in the round trips to members. It is safe outside of the engine.
func (e *engine) measure(members []*controlpb.Member) {
	for _, m := range members {
		if !m.GetSelf() {
			m.RoundTripUs = e.tripTo(roles.Peer(m.GetPeer())).Microseconds()
		}
	}
}

// describeMembers is the members by name, without round trips.
func (e *engine) describeMembers() []*controlpb.Member {
	parts := e.parts()
	out := make([]*controlpb.Member, 0, len(e.members))
	for i := range e.members {
		one := e.describeMember(&e.members[i])
		if p := parts[e.members[i].peer]; p != nil {
			one.Roles, one.StandbyFor = p.has, p.next
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b *controlpb.Member) int {
		return cmp.Or(strings.Compare(a.GetName(), b.GetName()), strings.Compare(a.GetPeer(), b.GetPeer()))
	})
	return out
}

// describeMember is one member, without what it has to do.
func (e *engine) describeMember(m *memberState) *controlpb.Member {
	one := &controlpb.Member{
		Name: m.name(), Peer: string(m.peer), Group: -1, State: m.State.String(), Self: m.self, Site: string(e.config.Site),
	}
	if !m.Since.IsZero() {
		one.SinceMs = time.Since(m.Since).Milliseconds()
	}
	if m.Record != nil {
		for _, address := range m.Record.Addresses {
			one.Addresses = append(one.Addresses, address.String())
		}
	}
	record := m.record
	if m.self {
		record = e.ownRecord()
	}
	if record == nil {
		return one
	}
	one.Site, one.Version, one.AllowsChaos = string(record.Site), record.Version, record.Chaos
	if len(record.Bundles) > 0 {
		one.Bundle = record.Bundles[0].String()
	}
	for v, p := range e.views.holders(record.Site) {
		if p != m.peer {
			continue
		}
		one.Views = append(one.Views, e.views.name(v))
		if one.GetGroup() < 0 {
			one.Group = int32(e.views.top.GroupOf(v))
		}
	}
	return one
}

// traffic is what went over the node's sockets.
func (a *api) traffic() *controlpb.Traffic {
	t := a.mesh.Traffic()
	samples := t.Samples()
	out := &controlpb.Traffic{
		SocketSentBytes: t.Socket.SentBytes, SocketReceivedBytes: t.Socket.ReceivedBytes,
		SampleSentBytes: samples.SentBytes, SampleReceivedBytes: samples.ReceivedBytes,
		UdpSentBytes: t.Beacon.SentBytes,
	}
	for id, p := range t.Protocols {
		out.Protocols = append(out.Protocols, &controlpb.ProtocolTraffic{Protocol: string(id), SentBytes: p.SentBytes, ReceivedBytes: p.ReceivedBytes})
	}
	slices.SortFunc(out.Protocols, func(a, b *controlpb.ProtocolTraffic) int { return strings.Compare(a.GetProtocol(), b.GetProtocol()) })
	return out
}
