package nodetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ganglion/node"
	"ganglion/proto/controlpb"
	"ganglion/roles"
)

// begun is a run that was begun here.
type begun struct {
	site  roles.Site
	count uint64 // of beats; 0: without an end
}

// Run begins a run of count beats of the site "default", 0 for one without an end, and
// returns its identifier.
func (m *Mesh) Run(count uint64, period time.Duration) string {
	m.t.Helper()
	return m.RunAt(node.DefaultLAN().Site, count, period)
}

// RunAt begins a run of a site.
func (m *Mesh) RunAt(site roles.Site, count uint64, period time.Duration) (run string) {
	m.t.Helper()
	m.await(m.t.Context(), fmt.Sprintf("a run of site %s begins", site), func() string {
		r, err := m.running()[0].client.StartRun(m.t.Context(), &controlpb.StartRunRequest{
			Site: string(site), PeriodNs: int64(period), Count: count,
		})
		if err != nil {
			return err.Error()
		}
		run = r.GetRun()
		return ""
	})
	m.runs[run] = begun{site, count}
	return run
}

// AwaitVerdict waits until a node that runs has the verdict of a beat, and returns it.
func (m *Mesh) AwaitVerdict(ctx context.Context, name, run string, beat uint64) (v *controlpb.Verdict) {
	m.t.Helper()
	m.await(ctx, fmt.Sprintf("%s has the verdict of beat %d", name, beat), func() string {
		verdicts, _ := m.lines(name, run, beat)
		i := slices.IndexFunc(verdicts, func(one *controlpb.Verdict) bool { return one.GetBeat() == beat })
		if i < 0 {
			return fmt.Sprintf("it has %d verdicts of later beats", len(verdicts))
		}
		v = verdicts[i]
		return ""
	})
	return v
}

// AwaitRun waits until every node that runs knows what became of every beat of a run that
// was begun here and has an end: all are decided, and none is lost, refused or open.
func (m *Mesh) AwaitRun(ctx context.Context, run string) {
	m.t.Helper()
	count := m.begun(run).count
	if count == 0 {
		m.t.Fatalf("run %s has no end to wait for", run)
	}
	m.await(ctx, fmt.Sprintf("every node knows %d verdicts of run %s", count, run), func() string {
		for _, n := range m.running() {
			if t := m.Tally(n.config.Name, run); t.GetDecided() != count || t.GetDue() != count {
				why := fmt.Sprintf("%s knows of %v", n.config.Name, t)
				if t.GetOpen() == 0 {
					why += fmt.Sprintf(", without beats %v", m.without(n.config.Name, run, count))
				}
				return why
			}
		}
		return ""
	})
}

// without is the beats of a run of which a node has no verdict.
func (m *Mesh) without(name, run string, count uint64) (beats []uint64) {
	m.t.Helper()
	verdicts, _ := m.lines(name, run, 0)
	for beat := range count {
		if !slices.ContainsFunc(verdicts, func(v *controlpb.Verdict) bool { return v.GetBeat() == beat }) {
			beats = append(beats, beat)
		}
	}
	return beats
}

// Tally is what became of the samples of a run, as far as a node knows.
func (m *Mesh) Tally(name, run string) *controlpb.Tally {
	m.t.Helper()
	r, err := m.live(name).node.API().Tally(m.t.Context(), &controlpb.TallyRequest{Site: string(m.begun(run).site), Run: run})
	if err != nil {
		m.t.Fatalf("tally of %s at %s: %v", run, name, err)
	}
	return r.GetTally()
}

// Verdicts are the surviving verdicts of a run that a node has, by beat. Where there are
// gaps between them, it waits until the node has filled them from the others.
func (m *Mesh) Verdicts(name, run string) (verdicts []*controlpb.Verdict) {
	m.t.Helper()
	m.await(m.t.Context(), fmt.Sprintf("%s has run %s without gaps", name, run), func() string {
		var gaps []*controlpb.Gap
		if verdicts, gaps = m.lines(name, run, 0); len(gaps) > 0 {
			return fmt.Sprintf("it lacks %v", gaps)
		}
		return ""
	})
	return verdicts
}

// lines is what a node has of a run from a beat on.
func (m *Mesh) lines(name, run string, from uint64) (verdicts []*controlpb.Verdict, gaps []*controlpb.Gap) {
	m.t.Helper()
	stream, err := m.API(name).Verdicts(m.t.Context(), &controlpb.VerdictsRequest{
		Site: string(m.begun(run).site), Run: run, FromBeat: &from,
	})
	if err != nil {
		m.t.Fatalf("verdicts of %s at %s: %v", run, name, err)
	}
	defer stream.Close()
	for stream.Receive() {
		line := stream.Msg()
		if g := line.GetGap(); g != nil {
			gaps = append(gaps, g)
		} else if v := line.GetVerdict(); v.GetSupersededBy() == "" {
			verdicts = append(verdicts, v)
		}
	}
	if err := stream.Err(); err != nil {
		m.t.Fatalf("verdicts of %s at %s: %v", run, name, err)
	}
	slices.SortStableFunc(verdicts, func(a, b *controlpb.Verdict) int { return int(a.GetBeat()) - int(b.GetBeat()) })
	return verdicts, gaps
}

// begun is a run that was begun here.
func (m *Mesh) begun(run string) begun {
	m.t.Helper()
	b, ok := m.runs[run]
	if !ok {
		m.t.Fatalf("run %q was not begun by this mesh", run)
	}
	return b
}
