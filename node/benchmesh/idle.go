package benchmesh

import (
	"cmp"
	"context"
	"slices"
	"time"

	"ganglion/proto/controlpb"
)

// idle leaves the mesh alone and looks what it does.
func (r *running) idle(ctx context.Context, m *liveMesh) (*Idle, error) {
	out := &Idle{Quiet: r.config.Quiet}
	if err := r.wait(ctx, m, "idle: seconds left alone", r.config.Quiet); err != nil {
		return nil, err
	}
	before, err := each(ctx, m, spentBy)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := r.wait(ctx, m, "idle: seconds measured", r.config.Quiet/2); err != nil {
		return nil, err
	}
	memories := make([]*Memory, len(m.members)) // before they are asked anything
	for i, one := range m.members {
		if ProcKnown() {
			found, err := MemoryOf(one.PID())
			if err != nil {
				return nil, err
			}
			memories[i] = &found
		}
	}
	after, err := each(ctx, m, spentBy)
	if err != nil {
		return nil, err
	}
	out.Window = time.Since(start)
	for i, one := range m.members {
		n := IdleNode{Name: one.Name(), Roles: one.Status.GetRoles(), Memory: memories[i], Allowed: allowed(one.Status.GetRoles())}
		n.sent(before[i].traffic, after[i].traffic, out.Window)
		if ProcKnown() {
			share := (after[i].processor - before[i].processor).Seconds() / out.Window.Seconds()
			n.Processor = &share
		}
		out.Nodes = append(out.Nodes, n)
	}
	return out, nil
}

// sent fills in what was sent in between.
func (n *IdleNode) sent(before, after *controlpb.Traffic, window time.Duration) {
	rate := func(from, to uint64) float64 { return float64(to-from) / window.Seconds() }
	n.TCP = rate(before.GetSocketSentBytes(), after.GetSocketSentBytes())
	n.UDP = rate(before.GetUdpSentBytes(), after.GetUdpSentBytes())
	was := map[string]uint64{}
	for _, p := range before.GetProtocols() {
		was[p.GetProtocol()] = p.GetSentBytes()
	}
	for _, p := range after.GetProtocols() {
		if sent := rate(was[p.GetProtocol()], p.GetSentBytes()); sent > 0 {
			n.Protocols = append(n.Protocols, ProtocolRate{p.GetProtocol(), sent})
		}
	}
	slices.SortFunc(n.Protocols, func(a, b ProtocolRate) int { return cmp.Compare(b.Sent, a.Sent) })
}
