package control

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"ganglion/proto/controlpb"
)

// script notes what a follower is told, one word a line, and does things at some of them.
type script struct {
	mu    sync.Mutex // guards what follows
	lines []string
	moved []string
	at    map[string]func() // called when the line is told
}

func (s *script) note(line string) error {
	s.mu.Lock()
	s.lines = append(s.lines, line)
	do := s.at[line]
	s.mu.Unlock()
	if do != nil {
		do()
	}
	return nil
}

func (s *script) Verdict(v *controlpb.Verdict) error {
	return s.note(strings.TrimPrefix(v.GetSample()+v.GetSupersededBy(), "yard/"))
}

func (s *script) Gap(g *controlpb.Gap) error {
	return s.note(fmt.Sprintf("gap %d-%d %s", g.GetFrom(), g.GetTo(), g.GetReason()))
}

func (s *script) Moved(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved = append(s.moved, text)
}

func words(run string, from, to uint64) (out []string) {
	for b := from; b < to; b++ {
		out = append(out, fmt.Sprintf("%s/%d", run, b))
	}
	return out
}

// testContext ends with the test, and before the test's time is up.
func testContext(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), 2*time.Minute)
}

// pair is two nodes of one mesh on this machine, and a follower's way to them.
func pair(t *testing.T) (a, b *fakeNode, stopA func() error, finder Finder) {
	t.Helper()
	dir := runDir(t)
	a, b = newFake("anna"), newFake("bert")
	sa, sb := serve(t, Config{}, a, nil), serve(t, Config{}, b, nil)
	register(t, dir, a, sa)
	registerAs(t, dir, os.Getppid(), b, sb)
	return a, b, sa.stop, Finder{dir: dir}
}

// A follower's node ends while samples go on: at the next node it goes on where it was, with
// no line twice and none left out, the samples on demand and the superseded ones included.
func TestFollowMoves(t *testing.T) {
	ctx, cancel := testContext(t)
	defer cancel()
	a, b, stopA, finder := pair(t)
	a.publish(demandLine("old"))
	b.publish(demandLine("old"))
	a.publish(beatLines(runOne, 10)...)
	b.publish(beatLines(runOne, 10)...)

	s := &script{}
	s.at = map[string]func(){
		runOne + "/9": func() {
			// What only the other node has once the first is gone.
			b.publish(beatLine(runOne, 10, ""), beatLine(runOne, 12, ""), demandLine("fresh"), beatLine(runOne, 3, "h9"))
			b.publish(beatLines("00000000000000bb", 3)...)
			go func() { _ = stopA() }()
		},
		"00000000000000bb/2": func() {
			go func() {
				if b.waitFollowed(ctx) == nil {
					b.publish(beatLine(runOne, 11, ""), beatLine("00000000000000bb", 3, ""), demandLine("last"))
				}
			}()
		},
		"last": cancel,
	}
	n, err := finder.Find(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Follow(ctx, &controlpb.VerdictsRequest{Follow: true, Last: 5}, s); !errors.Is(err, context.Canceled) {
		t.Fatalf("follow: %v, want context.Canceled", err)
	}
	want := slices.Concat(words(runOne, 5, 11), []string{runOne + "/12", "fresh", runOne + "/3h9"}, words("00000000000000bb", 0, 3),
		[]string{runOne + "/11", "00000000000000bb/3", "last"})
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(s.lines))); diff != "" {
		t.Errorf("lines (-want +got):\n%s\nin order: %v", diff, s.lines)
	}
	if len(s.moved) != 2 || !strings.Contains(s.moved[0], "anna") || !strings.Contains(s.moved[1], "bert") {
		t.Errorf("told of moves: %q", s.moved)
	}
}

// Who has moved tells what comes at once, and what it missed of the past once it has read that: it
// was once silent for up to a second while it looked through a log.
func TestFollowDoesNotWaitForThePast(t *testing.T) {
	ctx, cancel := testContext(t)
	defer cancel()
	a, b, stopA, finder := pair(t)
	const end = 1500
	a.publish(beatLines(runOne, end)...)
	lines := beatLines(runOne, end)
	b.publish(slices.Insert(lines, 701, beatLine(runOne, 700, "h700"))...) // which the first did not have
	live := make(chan struct{})
	b.past = func(q *controlpb.VerdictsRequest) {
		if q.GetLast() == moveLines {
			select {
			case <-live:
			case <-ctx.Done():
			}
		}
	}
	s := &script{}
	s.at = map[string]func(){
		fmt.Sprintf("%s/%d", runOne, end-1): func() {
			b.publish(beatLine(runOne, end, ""), demandLine("fresh"))
			go func() {
				_ = stopA()
				if b.waitFollowed(ctx) == nil {
					b.publish(beatLine(runOne, end+1, ""))
				}
			}()
		},
		fmt.Sprintf("%s/%d", runOne, end+1): func() { close(live) },
		runOne + "/700h700":                 cancel,
	}
	n, err := finder.Find(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Follow(ctx, &controlpb.VerdictsRequest{Follow: true, Last: end}, s); !errors.Is(err, context.Canceled) {
		t.Fatalf("follow: %v, want context.Canceled", err)
	}
	want := append(words(runOne, 0, end+2), "fresh", runOne+"/700h700")
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(s.lines))); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// Streams break anywhere, and nodes find a follower too slow: each line still comes once.
// The nodes take turns in breaking, so that the follower goes to and fro.
func TestFollowBreaks(t *testing.T) {
	ctx, cancel := testContext(t)
	defer cancel()
	a, b, _, finder := pair(t)
	const end = 400
	for _, f := range []*fakeNode{a, b} {
		f.cut = func(l *controlpb.VerdictsResponse) error {
			switch beat := l.GetVerdict().GetBeat(); {
			case beat%37 == 5:
				return connect.NewError(connect.CodeDataLoss, errors.New("behind"))
			case beat%23 == 7:
				return connect.NewError(connect.CodeUnavailable, errors.New("gone"))
			}
			return nil
		}
	}
	s := &script{at: map[string]func(){fmt.Sprintf("%s/%d", runOne, end-1): cancel}}
	n, err := finder.Find(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for beat := range uint64(end) {
			// A burst a time: some lines come by the stream, some are past when it begins.
			if beat%10 == 0 && a.waitFollowed(ctx) != nil {
				return
			}
			a.publish(beatLine(runOne, beat, ""))
			b.publish(beatLine(runOne, beat, ""))
		}
	}()
	if err := n.Follow(ctx, &controlpb.VerdictsRequest{Follow: true}, s); !errors.Is(err, context.Canceled) {
		t.Fatalf("follow: %v, want context.Canceled", err)
	}
	got := slices.Clone(s.lines)
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(slices.Values(words(runOne, 0, end))), got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// What one node lacks another may have; what none has is told as a gap, once.
func TestGaps(t *testing.T) {
	tests := []struct {
		name   string
		follow bool
		reason string
		want   []string
	}{
		{"dropped, then", false, "dropped", []string{"4", "5", "gap 2-4 dropped", "gap 6-7 dropped", "8"}},
		{"dropped, while following", true, "dropped", []string{"4", "5", "gap 2-4 dropped", "gap 6-7 dropped", "8"}},
		{"unknown, then", false, "unknown", []string{"4", "5", "gap 2-4 unknown", "gap 6-7 unknown", "8"}},
		{"unknown, while following: it may come", true, "unknown", []string{"8"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := testContext(t)
			defer cancel()
			a, b, _, finder := pair(t)
			a.gaps = []*controlpb.Gap{{Run: runOne, From: 2, To: 7, Reason: tt.reason}}
			a.publish(beatLine(runOne, 8, ""))
			b.publish(beatLine(runOne, 4, ""), beatLine(runOne, 5, ""), beatLine(runOne, 8, ""))
			s := &script{}
			if tt.follow {
				s.at = map[string]func(){runOne + "/8": cancel}
			}
			n, err := finder.Find(ctx, "anna")
			if err != nil {
				t.Fatal(err)
			}
			from := uint64(2)
			err = n.Follow(ctx, &controlpb.VerdictsRequest{Follow: tt.follow, FromBeat: &from}, s)
			if tt.follow != errors.Is(err, context.Canceled) || !tt.follow && err != nil {
				t.Fatalf("follow: %v", err)
			}
			for i := range s.lines {
				s.lines[i] = strings.TrimPrefix(s.lines[i], runOne+"/")
			}
			if diff := cmp.Diff(tt.want, s.lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// A question that no node could answer ends at once, with the node's own words; a follower
// without any node ends with a reason.
func TestFollowFails(t *testing.T) {
	ctx, cancel := testContext(t)
	defer cancel()
	a, _, _, finder := pair(t)
	n, err := finder.Find(ctx, a.name)
	if err != nil {
		t.Fatal(err)
	}
	err = n.Follow(ctx, &controlpb.VerdictsRequest{Site: "moon", Follow: true}, &script{})
	var failed *CallError
	if !errors.As(err, &failed) || failed.Code != connect.CodeInvalidArgument || !strings.Contains(err.Error(), "site is not known here") {
		t.Errorf("follow a site that is not there: %v", err)
	}
	f := &following{
		finder: Finder{dir: t.TempDir()}, node: &Node{Status: &controlpb.StatusResponse{Name: "anna", Peer: "x"}, Run: RunFile{PID: 1}, Address: "127.0.0.1:9"},
		to: &script{}, mesh: meshName, lost: time.Now().Add(-time.Hour),
	}
	if err := f.move(ctx, errLeft); !errors.Is(err, errLeft) || !strings.Contains(err.Error(), "anna") || !strings.Contains(err.Error(), meshName) {
		t.Errorf("without any node: %v", err)
	}
}

// An error of whoever is told, such as a closed pipe, ends the following and is returned.
func TestFollowerRefuses(t *testing.T) {
	ctx, cancel := testContext(t)
	defer cancel()
	a, _, _, finder := pair(t)
	a.publish(beatLines(runOne, 5)...)
	n, err := finder.Find(ctx, a.name)
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("pipe is closed")
	if err := n.Follow(ctx, &controlpb.VerdictsRequest{Follow: true, Last: 5}, refusing{&script{}, full}); !errors.Is(err, full) {
		t.Errorf("follow: %v, want %v", err, full)
	}
}

type refusing struct {
	*script
	err error
}

func (r refusing) Verdict(*controlpb.Verdict) error { return r.err }

// The beats that were told are kept as spans: against a plain set, in a random order.
func TestBeats(t *testing.T) {
	b := newBeats("r", 10)
	set := map[uint64]bool{}
	x := uint64(1)
	for range 500 {
		x = x*6364136223846793005 + 1442695040888963407
		s := span{(x >> 33) % 120, 0}
		s.to = s.from + (x>>20)%4
		b.add(s)
		for i := max(10, s.from); i < s.to; i++ {
			set[i] = true
		}
		floor := uint64(10)
		for set[floor] {
			floor++
		}
		if b.floor() != floor {
			t.Fatalf("after %v: floor %d, want %d (%v)", s, b.floor(), floor, b.told)
		}
		holes := map[uint64]bool{}
		for _, h := range b.holes(span{0, 100}) {
			for i := h.from; i < h.to; i++ {
				holes[i] = true
			}
		}
		for i := range uint64(100) {
			if want := i >= 10 && !set[i]; holes[i] != want {
				t.Fatalf("after %v: beat %d is a hole: %v, want %v (%v)", s, i, holes[i], want, b.told)
			}
		}
		for i := 1; i < len(b.told); i++ {
			if b.told[i].from <= b.told[i-1].to {
				t.Fatalf("spans touch: %v", b.told)
			}
		}
	}
}

// A hole that nothing comes for is not waited for without end.
func TestOverdue(t *testing.T) {
	b := newBeats("r", 0)
	b.add(span{0, 5})
	b.add(span{7, window + 5})
	if got := b.overdue(); got != nil {
		t.Errorf("within the window: %v", got)
	}
	b.add(span{window + 5, window + 8})
	if diff := cmp.Diff([]span{{5, 7}}, b.overdue(), cmp.AllowUnexported(span{})); diff != "" {
		t.Errorf("behind the window (-want +got):\n%s", diff)
	}
	b = newBeats("r", 0)
	for i := range uint64(mostHoles + 10) {
		b.add(span{3 * i, 3*i + 1})
	}
	for _, s := range b.overdue() {
		b.add(s)
	}
	if len(b.told) > mostHoles {
		t.Errorf("%d spans are kept, at most %d are allowed", len(b.told), mostHoles)
	}
}

// Of more lines than are remembered the oldest are forgotten, and no others.
func TestRecent(t *testing.T) {
	var r recent
	line := func(i int) *controlpb.Verdict { return &controlpb.Verdict{Sample: fmt.Sprint(i)} }
	for i := range recentLines + 100 {
		if !r.add(line(i)) {
			t.Fatalf("line %d is not new", i)
		}
	}
	if r.has(line(99)) || !r.has(line(100)) || !r.has(line(recentLines+99)) || len(r.lines) != recentLines {
		t.Errorf("remembers line 99: %v, 100: %v, the last: %v; %d lines", r.has(line(99)), r.has(line(100)), r.has(line(recentLines+99)), len(r.lines))
	}
}
