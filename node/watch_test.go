package node_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	"ganglion/node"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// lan is a local network.
var lan = nodetest.Quality{Latency: 2 * time.Millisecond}

// watched is a stream of what a page draws, and its sum.
type watched struct {
	t      *testing.T
	stream *connect.ServerStreamForClient[controlpb.WatchResponse]
	first  *controlpb.WatchResponse
	at     int64 // of the last answer, on the node's clock

	figures  controlpb.Figures
	exits    map[string]*controlpb.ExitFigures
	hops     map[string]uint64
	verdicts []*controlpb.Verdict // whole, but those of the first answer
	skipped  uint64
	came     uint64                    // verdicts that figures count
	status   *controlpb.StatusResponse // the last that came, as are those that follow
	members  []*controlpb.Member
	links    []*controlpb.Link
	events   []*controlpb.EventsResponse
	inForce  *controlpb.Thresholds
}

// watch begins to watch at a node.
func watch(t *testing.T, m *nodetest.Mesh, name string, q *controlpb.WatchRequest) *watched {
	t.Helper()
	w, err := tryWatch(t, m, name, q)
	if err != nil {
		t.Fatalf("watch at %s: %v", name, err)
	}
	return w
}

func tryWatch(t *testing.T, m *nodetest.Mesh, name string, q *controlpb.WatchRequest) (*watched, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	stream, err := m.API(name).Watch(ctx, q)
	if err != nil {
		return nil, err
	}
	w := &watched{t: t, stream: stream, exits: map[string]*controlpb.ExitFigures{}, hops: map[string]uint64{}}
	if !w.receive() {
		return nil, errors.Join(stream.Err(), stream.Close())
	}
	t.Cleanup(func() { _ = stream.Close() })
	return w, nil
}

// receive takes the next answer; false: the stream has ended.
func (w *watched) receive() bool {
	if !w.stream.Receive() {
		return false
	}
	msg := w.stream.Msg()
	w.at = msg.GetAtUnixNs()
	if msg.GetStatus() != nil {
		w.status = msg.GetStatus()
	}
	if msg.GetMembers() != nil {
		w.members = msg.GetMembers()
	}
	if msg.GetLinks() != nil {
		w.links = msg.GetLinks()
	}
	if msg.GetThresholds() != nil {
		w.inForce = msg.GetThresholds()
	}
	w.events = append(w.events, msg.GetEvents()...)
	if w.first == nil {
		w.first = msg
		return true
	}
	w.verdicts = append(w.verdicts, msg.GetVerdicts()...)
	w.skipped += msg.GetSkipped()
	w.add(msg.GetFigures())
	return true
}

func (w *watched) add(f *controlpb.Figures) {
	w.figures.StoppedEarly += f.GetStoppedEarly()
	w.figures.ViewsMissing += f.GetViewsMissing()
	w.figures.Superseded += f.GetSuperseded()
	w.came += f.GetSuperseded()
	for _, h := range f.GetPayloadBytes() {
		w.hops[h.GetHop()] += h.GetBytes()
	}
	for _, e := range f.GetExits() {
		sum := w.exits[e.GetExit()]
		if sum == nil {
			sum = &controlpb.ExitFigures{Latencies: make([]uint32, len(e.GetLatencies()))}
			w.exits[e.GetExit()] = sum
		}
		sum.Count += e.GetCount()
		sum.Labelled += e.GetLabelled()
		sum.Right += e.GetRight()
		for i, n := range e.GetLatencies() {
			sum.Latencies[i] += n
		}
		w.came += e.GetCount()
	}
}

// until receives until something holds.
func (w *watched) until(what string, holds func() bool) {
	w.t.Helper()
	for !holds() {
		if !w.receive() {
			w.t.Fatalf("the stream has ended before %s: %v", what, w.stream.Err())
		}
	}
}

// TestWatchFigures: a page that draws shares and percentiles must draw those of the log. Whatever
// is summed up is each verdict of the log once, for who watches from the beginning and for who
// comes late; and what came whole and what was skipped are all that came.
func TestWatchFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := nodetest.StartVirtual(t, 5, lan, nodetest.Devices(street, 5), nodetest.Spares(1)) // one of six views is missing
		m.Settle(t.Context())
		name := m.Names()[0]
		early := watch(t, m.Mesh, name, &controlpb.WatchRequest{IntervalMs: 100, Verdicts: 2})
		const count = 200
		run := m.Run(count, 20*time.Millisecond)
		early.until("some verdicts came", func() bool { return early.came >= count/4 })
		late := watch(t, m.Mesh, name, &controlpb.WatchRequest{IntervalMs: 100, Verdicts: 32})
		m.AwaitRun(t.Context(), run)
		for _, w := range []*watched{early, late} {
			ended := time.Now().UnixNano()
			w.until("all of the run is told", func() bool { return w.at > ended })
		}
		all := m.Verdicts(name, run)
		if len(all) != count {
			t.Fatalf("the log has %d verdicts, want %d", len(all), count)
		}
		early.agrees("who watched from the beginning", all)

		known := late.first.GetVerdicts()
		if len(known) != 32 || late.came == 0 || late.came >= count {
			t.Errorf("who came late began with %d verdicts and was told of %d further ones", len(known), late.came)
		}
		if late.skipped == 0 { // the machine was not so busy that more came at once than come whole
			late.agrees("who came late", late.verdicts)
			late.follows(known, all)
		}
		if late.first.GetFigures() != nil || late.first.GetSkipped() != 0 {
			t.Errorf("the first answer sums up what nobody watched: %v", late.first)
		}
		for _, w := range []*watched{early, late} {
			if w.status.GetPeer() == "" || len(w.members) != 6 || len(w.links) != 5 || w.inForce.GetBundle() != w.status.GetBundle() || len(w.inForce.GetExits()) == 0 {
				t.Errorf("not all of it came: status of %q, %d members, %d links, thresholds %v", w.status.GetPeer(), len(w.members), len(w.links), w.inForce)
			}
			for _, l := range w.links {
				if !l.GetUp() || l.GetSentBytes() == 0 || l.GetReceivedBytes() == 0 || l.GetRoundTripUs() == 0 {
					t.Errorf("a link over which a run went is told as %v", l)
				}
			}
		}
	})
}

// follows checks that nothing falls between what was known and what came, and nothing is in both.
func (w *watched) follows(known, all []*controlpb.Verdict) {
	w.t.Helper()
	number := func(v *controlpb.Verdict) (n uint64) {
		_, text, _ := strings.Cut(v.GetSeq(), "-")
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			w.t.Fatalf("sequence number %q: %v", v.GetSeq(), err)
		}
		return n
	}
	for _, v := range all {
		same := func(other *controlpb.Verdict) bool { return other.GetHash() == v.GetHash() }
		before, after := slices.ContainsFunc(known, same), slices.ContainsFunc(w.verdicts, same)
		if before && after || !after && number(v) > number(known[len(known)-1]) {
			w.t.Errorf("verdict %s was known: %v, came: %v", v.GetSeq(), before, after)
		}
	}
}

// agrees compares what was summed up with the verdicts that it is of.
func (w *watched) agrees(who string, of []*controlpb.Verdict) {
	w.t.Helper()
	if w.came != uint64(len(of)) || uint64(len(w.verdicts))+w.skipped != w.came {
		w.t.Errorf("%s: %d verdicts are summed up, %d whole and %d skipped: want %d", who, w.came, len(w.verdicts), w.skipped, len(of))
	}
	want := &watched{exits: map[string]*controlpb.ExitFigures{}, hops: map[string]uint64{}}
	for _, v := range of {
		f := &controlpb.Figures{PayloadBytes: v.GetPayloadBytes()}
		e := &controlpb.ExitFigures{Exit: v.GetExit(), Count: 1}
		if v.GetLabel() != "" {
			e.Labelled = 1
		}
		if v.GetLabel() != "" && v.GetClass() == v.GetLabel() {
			e.Right = 1
		}
		if len(v.GetMissing()) > 0 {
			f.ViewsMissing = 1
		}
		if v.GetStoppedEarly() {
			f.StoppedEarly = 1
		}
		f.Exits = append(f.Exits, e)
		want.add(f)
	}
	for exit, e := range want.exits {
		got := w.exits[exit]
		if got.GetCount() != e.GetCount() || got.GetLabelled() != e.GetLabelled() || got.GetRight() != e.GetRight() {
			w.t.Errorf("%s: exit %s: %v, want %v", who, exit, got, e)
		}
		var bucketed uint64
		for _, n := range got.GetLatencies() {
			bucketed += uint64(n)
		}
		if bucketed != e.GetCount() {
			w.t.Errorf("%s: exit %s has latencies of %d verdicts, want %d", who, exit, bucketed, e.GetCount())
		}
	}
	if len(w.exits) != len(want.exits) || fmt.Sprint(w.hops) != fmt.Sprint(want.hops) ||
		w.figures.GetViewsMissing() != want.figures.GetViewsMissing() || w.figures.GetStoppedEarly() != want.figures.GetStoppedEarly() {
		w.t.Errorf("%s: %d exits, payload %v, %d with a view missing, %d stopped early; want %d, %v, %d, %d", who,
			len(w.exits), w.hops, w.figures.GetViewsMissing(), w.figures.GetStoppedEarly(),
			len(want.exits), want.hops, want.figures.GetViewsMissing(), want.figures.GetStoppedEarly())
	}
	for i, v := range w.verdicts[1:] {
		if v.GetBeat() == w.verdicts[i].GetBeat() {
			w.t.Errorf("%s: verdict of beat %d came twice", who, v.GetBeat())
		}
	}
}

// TestWatchFull: pages that are left open everywhere must not cost a node more and more. Who finds
// no room is told so, and has room as soon as another has gone.
func TestWatchFull(t *testing.T) {
	m := nodetest.Start(t, nodetest.Spares(1))
	name := m.Names()[0]
	const most = 16
	var all []*watched
	for range most {
		all = append(all, watch(t, m, name, &controlpb.WatchRequest{}))
	}
	_, err := tryWatch(t, m, name, &controlpb.WatchRequest{})
	if connect.CodeOf(err) != connect.CodeResourceExhausted || !strings.Contains(err.Error(), "16") {
		t.Fatalf("one more: %v, want that there are 16 already", err)
	}
	if err := all[3].stream.Close(); err != nil {
		t.Fatal(err)
	}
	m.Await(t.Context(), "the place of one that has gone is free", func() bool {
		_, err := tryWatch(t, m, name, &controlpb.WatchRequest{})
		return err == nil
	})
}

// TestWatchRefuses what it cannot do, in words that say what it can.
func TestWatchRefuses(t *testing.T) {
	m := nodetest.Start(t, nodetest.Spares(1))
	name := m.Names()[0]
	tests := map[string]struct {
		q    *controlpb.WatchRequest
		want string
	}{
		"another site":          {&controlpb.WatchRequest{Site: "elsewhere"}, "elsewhere"},
		"too often":             {&controlpb.WatchRequest{IntervalMs: 99}, "100"},
		"too rarely":            {&controlpb.WatchRequest{IntervalMs: 10_001}, "10000"},
		"too many, and at once": {&controlpb.WatchRequest{Verdicts: 33}, "32"},
	}
	for what, tt := range tests {
		_, err := tryWatch(t, m, name, tt.q)
		if connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want invalid_argument with %q", what, err, tt.want)
		}
	}
	// None of those has kept a place, and a node that has nothing to tell tells that it is there:
	// without a run, with an event number of an earlier life.
	w := watch(t, m, name, &controlpb.WatchRequest{IntervalMs: 100, AfterEvent: 1 << 40})
	w.until("it was told something", func() bool { return len(w.events) > 0 })
	answers := 0
	w.until("more answers have come", func() bool { answers++; return answers > 5 })
	if len(w.members) != 1 || len(w.links) != 0 || w.came != 0 || len(w.verdicts) != 0 || w.status.GetRun() != nil {
		t.Errorf("a node alone without a run: %d members, %d links, %d verdicts", len(w.members), len(w.links), w.came)
	}
}

// TestWatchSeesADeath: a person who looks at the page sees a node die. The link is down at once;
// the member, its role and the event follow.
func TestWatchSeesADeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := nodetest.StartVirtual(t, 6, lan, nodetest.Devices(street, 6), nodetest.Spares(2))
		m.Settle(t.Context())
		m.Run(0, pace)
		victim := m.Holder("aggregator")
		peer := string(m.Node(victim).Self())
		name := m.Names()[0]
		if name == victim {
			name = m.Names()[1]
		}
		w := watch(t, m.Mesh, name, &controlpb.WatchRequest{IntervalMs: 100})
		m.Kill(victim)
		link := func() *controlpb.Link {
			i := slices.IndexFunc(w.links, func(l *controlpb.Link) bool { return l.GetPeer() == peer })
			if i < 0 {
				return nil
			}
			return w.links[i]
		}
		w.until("the link is down", func() bool { l := link(); return l != nil && !l.GetUp() })
		w.until("another has the role", func() bool {
			return slices.ContainsFunc(w.members, func(one *controlpb.Member) bool {
				return one.GetPeer() != peer && slices.Contains(one.GetRoles(), "aggregator")
			})
		})
		w.until("the member is down", func() bool {
			return slices.ContainsFunc(w.members, func(one *controlpb.Member) bool { return one.GetPeer() == peer && one.GetState() == "down" })
		})
		w.until("it is told", func() bool {
			return slices.ContainsFunc(w.events, func(e *controlpb.EventsResponse) bool {
				return e.GetKind() == "down" && e.GetAttributes()["peer"] == peer
			})
		})
	})
}

// TestWatchEnds: a node that leaves is not held up by those who watch it, and they are told that it
// was the end.
func TestWatchEnds(t *testing.T) {
	m := nodetest.Start(t, nodetest.Spares(1))
	name := m.Names()[0]
	w := watch(t, m, name, &controlpb.WatchRequest{IntervalMs: 10_000})
	m.Stop(name)
	for w.receive() {
	}
	if err := w.stream.Err(); err != nil {
		t.Errorf("the stream ended with %v, want its end", err)
	}
}

// TestNoPage: who switches the page off has neither it nor what only it asks for.
func TestNoPage(t *testing.T) {
	m := nodetest.Start(t, nodetest.Device(street, "0"), nodetest.Configure(func(c *node.Config) { c.NoPage = true }))
	name := m.Names()[0]
	_, err := tryWatch(t, m, name, &controlpb.WatchRequest{})
	_, looked := m.API(name).Look(t.Context(), &controlpb.LookRequest{Sample: "default/0000000000000001/0", View: "camera0"})
	for _, err := range []error{err, looked} {
		if connect.CodeOf(err) != connect.CodeFailedPrecondition || !strings.Contains(err.Error(), "--no-page") {
			t.Errorf("answered %v, want that it is switched off, and by what", err)
		}
	}
	status, err := m.API(name).Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil || status.GetPage() != "" {
		t.Errorf("its page is at %q, %v", status.GetPage(), err)
	}
}

// TestWatchSuperseded: after a partition has healed, of two verdicts of a sample one stands. Who had
// seen the other is told so, with the hash of the one that stands, and it is counted.
func TestWatchSuperseded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := nodetest.StartVirtual(t, 7, lan, nodetest.Devices(street, 4), nodetest.Spares(1))
		m.Settle(t.Context())
		run := m.Run(0, 100*time.Millisecond)
		m.AwaitVerdict(t.Context(), "device-0", run, 5)
		m.Partition("device-0") // alone it answers from fewer views, which do not stand
		w := watch(t, m.Mesh, "device-0", &controlpb.WatchRequest{IntervalMs: 100, Verdicts: 32})
		w.until("it answers alone", func() bool {
			return slices.ContainsFunc(w.verdicts, func(v *controlpb.Verdict) bool { return len(v.GetSeen())+len(v.GetNothing()) == 1 })
		})
		m.Heal()
		var again *controlpb.Verdict
		w.until("an answer is superseded", func() bool {
			i := slices.IndexFunc(w.verdicts, func(v *controlpb.Verdict) bool { return v.GetSupersededBy() != "" })
			if i >= 0 {
				again = w.verdicts[i]
			}
			return i >= 0
		})
		if !slices.ContainsFunc(w.verdicts, func(v *controlpb.Verdict) bool { return v.GetHash() == again.GetHash() && v.GetSupersededBy() == "" }) {
			t.Errorf("%s is superseded and was never told before", again.GetSample())
		}
		if w.figures.GetSuperseded() == 0 {
			t.Errorf("none is counted as superseded")
		}
		w.until("the one that stands has come", func() bool {
			return slices.ContainsFunc(w.verdicts, func(v *controlpb.Verdict) bool { return v.GetHash() == again.GetSupersededBy() })
		})
		_ = w.stream.Close()
	})
}
