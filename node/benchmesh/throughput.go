package benchmesh

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ganglion/proto/controlpb"
)

// The times of a run.
const (
	tailWait = 20 * time.Second // for the last verdicts, once the last sample has come
	tailPace = 100 * time.Millisecond
	readWait = time.Minute // for all verdicts of the log
)

// throughput has the mesh answer a run.
func (r *running) throughput(ctx context.Context, m *liveMesh) (*Throughput, error) {
	source := m.members[0].Status.GetSources()[0]
	before, err := each(ctx, m, spentBy)
	if err != nil {
		return nil, err
	}
	count := r.config.beats()
	started, err := m.coordinator.StartRun(ctx, &controlpb.StartRunRequest{
		PeriodNs: int64(r.config.period()), Count: uint64(count), Data: source.GetData(), Split: source.GetSplit(),
	})
	if err != nil {
		return nil, fmt.Errorf("start a run: %w", m.coordinator.Explain(err))
	}
	tally, err := r.watch(ctx, m, started.GetRun(), time.Duration(count)*r.config.period())
	if err != nil {
		return nil, err
	}
	after, err := each(ctx, m, spentBy)
	if err != nil {
		return nil, err
	}
	out := &Throughput{
		Rate: r.config.Rate, Due: tally.GetDue(), Decided: tally.GetDecided(), Lost: tally.GetLost(), Refused: tally.GetRefused(),
		Open: tally.GetOpen() + uint64(count) - min(uint64(count), tally.GetDue()),
	}
	for i, one := range m.members {
		out.Work = append(out.Work, workOf(one, before[i], after[i], out.Decided))
	}
	verdicts, err := verdictsOf(ctx, m.coordinator, started.GetRun(), count)
	if err != nil {
		return nil, err
	}
	out.judge(verdicts, r.config.period())
	return out, nil
}

// watch waits until the run has ended and every sample is final, or there is no more hope.
func (r *running) watch(ctx context.Context, m *liveMesh, run string, lasts time.Duration) (*controlpb.Tally, error) {
	start := time.Now()
	if err := r.wait(ctx, m, "throughput: seconds of the run", lasts); err != nil {
		return nil, err
	}
	for {
		t, err := m.coordinator.Tally(ctx, &controlpb.TallyRequest{Run: run})
		if err != nil {
			return nil, fmt.Errorf("count samples: %w", m.coordinator.Explain(err))
		}
		if t.GetEnded() && t.GetTally().GetOpen() == 0 || time.Since(start) > lasts+tailWait {
			return t.GetTally(), nil
		}
		if err := m.pause(ctx, tailPace); err != nil {
			return nil, err
		}
	}
}

// spent is what a process has used since it started.
type spent struct {
	processor time.Duration // 0 where the system does not tell
	traffic   *controlpb.Traffic
}

func spentBy(ctx context.Context, m *member) (s spent, err error) {
	status, err := m.NodeServiceClient.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return s, err
	}
	s.traffic = status.GetTraffic()
	if ProcKnown() {
		s.processor, err = processorTime(m.PID())
	}
	return s, err
}

// workOf is what a node spent in between.
func workOf(m *member, before, after spent, decided uint64) NodeWork {
	n := time.Duration(max(decided, 1))
	w := NodeWork{Name: m.Name(), Roles: m.Status.GetRoles()}
	w.SentBytes = float64(after.traffic.GetSocketSentBytes()-before.traffic.GetSocketSentBytes()) / float64(n)
	if ProcKnown() {
		took := after.processor - before.processor
		each := took / n
		w.Processor, w.Sample = &took, &each
	}
	return w
}

// verdictsOf reads the verdicts of a run that is over; those that were superseded are left
// out.
func verdictsOf(ctx context.Context, m *member, run string, count int) ([]*controlpb.Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	var first uint64
	stream, err := m.Verdicts(ctx, &controlpb.VerdictsRequest{Run: run, FromBeat: &first})
	if err != nil {
		return nil, fmt.Errorf("read verdicts: %w", m.Explain(err))
	}
	defer stream.Close() //nolint:errcheck // it is only read from
	out := make([]*controlpb.Verdict, 0, count)
	for stream.Receive() {
		if v := stream.Msg().GetVerdict(); v != nil && v.GetSupersededBy() == "" {
			out = append(out, v)
		}
	}
	if err := stream.Err(); err != nil {
		return nil, fmt.Errorf("read verdicts: %w", m.Explain(err))
	}
	return out, nil
}

// judge fills in what the verdicts say.
func (t *Throughput) judge(of []*controlpb.Verdict, period time.Duration) {
	slices.SortFunc(of, func(a, b *controlpb.Verdict) int { return cmp.Compare(a.GetBeat(), b.GetBeat()) })
	var latency, since, local []time.Duration
	exits := map[string]int{}
	missing, early := 0, 0
	for _, v := range of {
		exits[v.GetExit()]++
		if len(v.GetMissing()) > 0 {
			missing++
		}
		if v.GetStoppedEarly() {
			early++
		}
		latency = append(latency, time.Duration(v.GetLatencyNs()))
		if isLocal(v) {
			local = append(local, time.Duration(v.GetLatencyNs()))
		}
		since = append(since, time.Duration(v.GetSinceBeatNs()))
	}
	t.PerSecond = rateOf(since, period) // before they are sorted
	t.Latency, t.SinceBeat, t.Local = spreadOf(latency), spreadOf(since), spreadOf(local)
	if n := float64(len(of)); n > 0 {
		t.ViewsMissing, t.StoppedEarly = float64(missing)/n, float64(early)/n
		for e, k := range exits { // sorted below
			t.Exits = append(t.Exits, ExitShare{e, float64(k) / n})
		}
	}
	slices.SortFunc(t.Exits, func(a, b ExitShare) int { return cmp.Compare(b.Share, a.Share) })
}

// rateOf is how many samples a second became final, by how long after its beat each did, in
// the order of the beats; 0 of none. It is never above the rate of the beats.
func rateOf(since []time.Duration, period time.Duration) float64 {
	if len(since) == 0 {
		return 0
	}
	var last time.Duration // when the last one was final, from beat 0 on
	for beat, s := range since {
		last = max(last, time.Duration(beat)*period+s)
	}
	lasted := last - slices.Min(since) + period
	return float64(len(since)) / lasted.Seconds()
}
