package benchfailover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// The times of an audit.
const (
	finalWait   = 2 * time.Minute // for all samples to be final and all logs to agree
	finalPace   = 200 * time.Millisecond
	logWait     = 5 * time.Minute // for a log to be read: a minute of many samples, by who has little of a processor
	auditAgain  = time.Second
	agreeWait   = 30 * time.Second // for nodes to count alike, before logs are read that cannot be
	noneExit    = "none"
	refusedExit = "refused"
	mostBlanks  = 20 // that are told one by one
)

// entry is a verdict in a node's log.
type entry struct {
	hash    string
	stands  bool // it was not superseded
	exit    string
	early   bool
	missing map[string]string // views, each with the reason
}

// logbook is a node's log of the beats of a trial.
type logbook struct {
	node   string
	beats  map[uint64][]entry
	always bool // the node was there all along, and nothing of its log may be missing
}

// account is what logs say of the beats of a trial. All but due are to be 0, but for those
// that say otherwise.
type account struct {
	due          int
	open         int // beats without a verdict that the nodes were still at when there was no more time
	lost         int // beats for which no node has a verdict that stands, or that a node counts as lost
	contradicted int // beats for which two verdicts stand, at one node or at two
	absent       int // beats that a node lacks which was there all along
	superseded   int // beats with a verdict that gave way: may be, after a cut
	early        int // verdicts that stopped early: may be
	blank        int // verdicts without a view, although a node that was not disturbed saw something
	unseen       int // verdicts without the view of a node that was not disturbed: may be

	reasons map[string]int // of views that are missing in blank verdicts
	blanks  []uint64       // beats of the first of those
}

// whole tells whether nothing is wrong that could be mended by waiting.
func (a *account) whole() bool {
	return a.open == 0 && a.lost == 0 && a.contradicted == 0 && a.absent == 0
}

// accountOf judges the logs of beats from one up to another, which is excluded. Those from final
// on are not final at any node; undisturbed are views; visible says which of them have something
// in view at a beat.
func accountOf(logs []logbook, from, to, final uint64, undisturbed []string, visible func(beat uint64) []string) account {
	a := account{reasons: map[string]int{}}
	for beat := from; beat < to; beat++ {
		a.due++
		var standing []entry
		gave, absent := false, 0
		for _, l := range logs {
			here := 0
			for _, e := range l.beats[beat] {
				if !e.stands {
					gave = true
					continue
				}
				here++
				if !slices.ContainsFunc(standing, func(s entry) bool { return s.hash == e.hash }) {
					standing = append(standing, e)
				}
			}
			if here == 0 && l.always {
				absent++
			}
		}
		if beat >= final && len(standing) == 0 {
			a.open++
			continue
		}
		a.absent += absent
		if gave {
			a.superseded++
		}
		switch len(standing) {
		case 0:
			a.lost++
			continue
		case 1:
		default:
			a.contradicted++
		}
		a.judge(beat, standing[0], undisturbed, visible(beat))
	}
	return a
}

// judge counts what a verdict that stands is like.
func (a *account) judge(beat uint64, e entry, undisturbed, visible []string) {
	if e.early {
		a.early++
	}
	for view := range e.missing {
		if slices.Contains(undisturbed, view) {
			a.unseen++
			break
		}
	}
	if (e.exit != noneExit && e.exit != refusedExit) || !slices.ContainsFunc(visible, func(v string) bool { return slices.Contains(undisturbed, v) }) {
		return
	}
	if a.blank++; len(a.blanks) < mostBlanks {
		a.blanks = append(a.blanks, beat)
	}
	for _, reason := range e.missing {
		a.reasons[reason]++
	}
}

// logOf reads a node's log of a run from a beat on.
func logOf(ctx context.Context, one *member, run string, from, to uint64, always bool) (logbook, error) {
	ctx, cancel := context.WithTimeout(ctx, logWait)
	defer cancel()
	l := logbook{node: one.name, beats: map[uint64][]entry{}, always: always}
	lines, err := one.asked.Verdicts(ctx, &controlpb.VerdictsRequest{Run: run, FromBeat: &from})
	if err != nil {
		return l, err
	}
	defer lines.Close() //nolint:errcheck // it is only read from
	for lines.Receive() {
		v := lines.Msg().GetVerdict()
		if v == nil || v.Beat == nil || v.GetBeat() < from || v.GetBeat() >= to {
			continue
		}
		e := entry{hash: v.GetHash(), stands: v.GetSupersededBy() == "", exit: v.GetExit(), early: v.GetStoppedEarly(), missing: map[string]string{}}
		for _, m := range v.GetMissing() {
			e.missing[m.GetView()] = m.GetReason()
		}
		l.beats[v.GetBeat()] = append(l.beats[v.GetBeat()], e)
	}
	return l, lines.Err()
}

// audit waits until the beats of a trial are final at all nodes, and reads their logs until
// these agree or there is no more hope. since is when that was found out to be so: the
// moment before the logs were read.
func (t *trial) audit(ctx context.Context) (a account, since time.Time, err error) {
	m := t.bench.mesh
	deadline := time.Now().Add(finalWait)
	var least, most uint64 // beats below are final at all nodes, at one
	for {
		if least, most, err = t.final(ctx); err != nil {
			return a, since, err
		}
		if least >= t.last || time.Now().After(deadline) {
			break
		}
		if err := launch.Pause(ctx, finalPace); err != nil {
			return a, since, err
		}
	}
	for {
		if t.parted {
			if err := t.agree(ctx); err != nil {
				return a, since, err
			}
		}
		since = time.Now()
		logs, err := each(ctx, m.members, func(ctx context.Context, one *member) (logbook, error) {
			return logOf(ctx, one, t.run, t.first, t.last, !slices.Contains(t.restarted, one))
		})
		if err != nil {
			return a, since, fmt.Errorf("read logs: %w", err)
		}
		a = accountOf(logs, t.first, t.last, most, t.undisturbed(), t.bench.visible)
		counted, err := t.countedLost(ctx)
		if err != nil {
			return a, since, err
		}
		// What is overdue counts as lost until it is decided: it must not stay so. Of a mesh
		// that is behind, nobody knows.
		if least >= t.last {
			a.lost = max(a.lost, counted)
		}
		if a.whole() || time.Now().After(deadline) {
			return a, since, nil
		}
		if err := launch.Pause(ctx, auditAgain); err != nil {
			return a, since, err
		}
	}
}

// agree waits until all nodes count the same number of verdicts that gave way, as some must, and
// nothing as lost: to read eight logs again and again holds up what is waited for. That it is
// so says little, and that it is not so in time is no fault yet.
func (t *trial) agree(ctx context.Context) error {
	deadline := time.Now().Add(agreeWait)
	for time.Now().Before(deadline) {
		tallies, err := t.tallies(ctx)
		if err != nil {
			return err
		}
		first := tallies[0].GetTally()
		if first.GetSuperseded() > 0 && !slices.ContainsFunc(tallies, func(one *controlpb.TallyResponse) bool {
			return one.GetTally().GetLost() > 0 || one.GetTally().GetSuperseded() != first.GetSuperseded()
		}) {
			return nil
		}
		if err := launch.Pause(ctx, finalPace); err != nil {
			return err
		}
	}
	return nil
}

// tallies is what each node counts of the run.
func (t *trial) tallies(ctx context.Context) ([]*controlpb.TallyResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, logWait)
	defer cancel()
	tallies, err := each(ctx, t.bench.mesh.members, func(ctx context.Context, one *member) (*controlpb.TallyResponse, error) {
		return one.asked.Tally(ctx, &controlpb.TallyRequest{Run: t.run})
	})
	if err != nil {
		return nil, fmt.Errorf("count samples: %w", err)
	}
	return tallies, nil
}

// countedLost is the most samples of the run that a node counts as lost.
func (t *trial) countedLost(ctx context.Context) (lost int, err error) {
	tallies, err := t.tallies(ctx)
	if err != nil {
		return 0, err
	}
	for _, one := range tallies {
		lost = max(lost, int(min(one.GetTally().GetLost(), 1<<30)))
	}
	return lost, nil
}

// errRunGone says that a mesh no longer knows the run that a trial is of.
var errRunGone = errors.New("the run is over, another has taken its place")

// final is the beats up to which all are final: at every node, and at the one that is furthest.
func (t *trial) final(ctx context.Context) (least, most uint64, err error) {
	states, err := each(ctx, t.bench.mesh.members, func(ctx context.Context, one *member) (*controlpb.StatusResponse, error) { return one.status(ctx) })
	if err != nil {
		return 0, 0, err
	}
	for i, s := range states {
		if s.GetRun() != nil && s.GetRun().GetRun() != t.run {
			return 0, 0, fmt.Errorf("%s: %w", s.GetName(), errRunGone)
		}
		floor := s.GetRun().GetFloor() // 0: it has just begun
		if i == 0 {
			least = floor
		}
		least, most = min(least, floor), max(most, floor)
	}
	return least, most, nil
}
