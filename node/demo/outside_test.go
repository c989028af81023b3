package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// outsider follows the verdicts of a mesh as any program may, and notes what it sees.
type outsider struct {
	beats map[uint64][]*controlpb.Verdict
	last  time.Time
	gaps  []time.Duration // between two lines
	moved []string
	lines int
	whole uint64 // each beat below it has a verdict
	at    uint64 // so many beats, after which something is done
	then  func() // nil: nothing
}

// Verdict takes a line.
func (o *outsider) Verdict(v *controlpb.Verdict) error {
	now := time.Now()
	if !o.last.IsZero() {
		o.gaps = append(o.gaps, now.Sub(o.last))
	}
	o.last = now
	o.beats[v.GetBeat()] = append(o.beats[v.GetBeat()], v)
	o.lines++
	for len(o.beats[o.whole]) > 0 {
		o.whole++
	}
	if o.whole >= o.at && o.then != nil {
		then := o.then
		o.then = nil
		then()
	}
	return nil
}

// Gap takes beats that nobody has.
func (o *outsider) Gap(g *controlpb.Gap) error {
	return errors.New("a gap: " + g.String())
}

// Moved takes a sentence.
func (o *outsider) Moved(text string) {
	o.moved = append(o.moved, fmt.Sprintf("%v: %s", time.Since(o.last).Round(time.Millisecond), text))
}

// Somebody who follows the verdicts of the very node that is killed, from outside, sees each beat,
// and none with two verdicts that stand. The largest gap between two lines says how fast the
// machine is: it is logged, and docs/results.md has it.
func tryFollowed(t *testing.T, c Config, w *watcher) {
	t.Helper()
	const before, after = 150, 450
	c.Keep, c.Rate = true, 100
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := &outsider{beats: map[uint64][]*controlpb.Verdict{}, at: before}
	followed := make(chan error, 1)
	w.at[Ran] = func() {
		aggregator := ""
		for _, e := range w.story(Elected) {
			if name, _, ok := strings.Cut(e, " is aggregator"); ok {
				aggregator = name
			}
		}
		o.then = func() {
			kill(t, aggregator)
			o.at, o.then = after, cancel
		}
		go func() {
			n, err := control.Finder{}.Find(ctx, aggregator)
			if err == nil {
				from := uint64(0)
				err = n.Follow(ctx, &controlpb.VerdictsRequest{Follow: true, FromBeat: &from}, o)
			}
			followed <- err
			cancel()
		}()
	}
	if r, err := Run(ctx, c, w, nil); err == nil || r == nil {
		t.Fatalf("got %v, %v; want a result and why it ended", r, err)
	}
	if err := <-followed; !errors.Is(err, context.Canceled) {
		t.Fatalf("follow: %v", err)
	}
	for b := range uint64(after) {
		stand := slices.DeleteFunc(slices.Clone(o.beats[b]), func(v *controlpb.Verdict) bool {
			return slices.ContainsFunc(o.beats[b], func(m *controlpb.Verdict) bool { return m.GetSupersededBy() != "" && m.GetHash() == v.GetHash() })
		})
		if len(stand) != 1 {
			t.Errorf("beat %d has %d verdicts that stand", b, len(stand))
		}
	}
	if len(o.moved) < 2 {
		t.Errorf("it moved as %q: want once; the test shows nothing", o.moved)
	}
	t.Logf("%d lines; the largest gaps between two: %v; moved, after the last line: %q", o.lines, lastOf(o.gaps, 3), o.moved)
}

// lastOf is the largest of some.
func lastOf(of []time.Duration, n int) []time.Duration {
	of = slices.Sorted(slices.Values(of))
	of = of[max(0, len(of)-n):]
	for i := range of {
		of[i] = of[i].Round(time.Millisecond)
	}
	return of
}
