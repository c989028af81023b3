package chaos

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/proto/controlpb"
)

// told is a timeline that is fed by a script, and what it says.
type told struct {
	*Timeline
	start time.Time
	lines []string
}

const period = 10 * time.Millisecond

func newTold() *told {
	t := &told{Timeline: NewTimeline(), start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	t.Run("r", period)
	return t
}

func (t *told) at(ms int) time.Time { return t.start.Add(time.Duration(ms) * time.Millisecond) }

func (t *told) say(entries []Entry) {
	for _, e := range entries {
		t.lines = append(t.lines, fmt.Sprintf("%d +%dms %s: %s", e.Number, e.Since.Milliseconds(), e.What, e.Text))
	}
}

func (t *told) inject(ms int, f Fault, targets ...Node) {
	t.say(t.Inject(Injection{At: t.at(ms), Fault: f, Targets: targets}))
}

func (t *told) event(ms int, by, kind string, attributes ...string) {
	e := &controlpb.EventsResponse{Kind: kind, Attributes: map[string]string{}}
	for i := 0; i+1 < len(attributes); i += 2 {
		e.Attributes[attributes[i]] = attributes[i+1]
	}
	t.say(t.Event(t.at(ms), by, e))
}

// verdict of a beat, released at a time and heard at another.
func (t *told) verdict(beat uint64, released, heard int, holder string, change ...func(*controlpb.Verdict)) {
	since := int64(released)*1e6 - int64(beat)*int64(period)
	v := &controlpb.Verdict{
		Sample: fmt.Sprintf("s/r/%d", beat), Beat: &beat, SinceBeatNs: &since, Exit: "local", Holder: holder,
		Epoch: &controlpb.Epoch{Counter: 1, Peer: "peer-of-" + holder},
	}
	for _, c := range change {
		c(v)
	}
	t.say(t.Verdict(t.at(heard), v))
}

func node(name string, roles ...string) Node {
	return Node{Name: name, Peer: "peer-of-" + name, Roles: roles}
}

// usual feeds beats 0 to before n, each decided after 2 ms by a and heard 1 ms later.
func (t *told) usual(n uint64) {
	for b := range n {
		t.verdict(b, int(b)*10+2, int(b)*10+3, "a")
	}
}

func early(v *controlpb.Verdict) { v.StoppedEarly = true }

// The whole story of a death: who noticed in which way, who claimed and why, which answer
// was the first without the dead, and what became of what it had in its hands. What others
// say again, and what was on its way from the dead, is not told as news.
func TestDeathOfAnAggregator(t *testing.T) {
	s := newTold()
	s.usual(10) // the last at 93
	s.inject(101, Fault{Do: Kill}, node("a", "aggregator", "coordinator"))
	s.verdict(9, 92, 102, "a") // heard again
	s.event(104, "b", "noticed", "peer", "peer-of-a", "how", HowConnection)
	s.event(105, "c", "noticed", "peer", "peer-of-a", "how", HowConnection)
	s.event(120, "b", "claimed", "role", "aggregator/s/0", "peer", "peer-of-b", "name", "b", "why", HowConnection, "before", "peer-of-a")
	s.event(125, "c", "elected", "role", "aggregator/s/0", "peer", "peer-of-b", "name", "b", "before", "peer-of-a")
	s.event(126, "b", "elected", "role", "aggregator/s/0", "peer", "peer-of-b", "name", "b", "before", "peer-of-a")
	s.verdict(10, 150, 151, "b", early) // its moment was 100: in flight
	s.verdict(11, 151, 152, "b")
	s.event(900, "c", "noticed", "peer", "peer-of-d", "how", HowConnection) // of no target
	s.event(3000, "c", "down", "peer", "peer-of-a", "name", "a")
	want := []string{
		"1 +0ms fault: kill: a (aggregator, coordinator)",
		"1 +3ms noticed: b notices: its connection to a broke",
		"1 +19ms claimed: b claims to be aggregator: the connection to a broke",
		"1 +24ms moved: b is aggregator instead of a",
		"1 +50ms verdict: first verdict after it, by b, of beat 10, stopped early",
		"1 +2899ms noticed: c takes a out of the members: probes went unanswered",
	}
	if diff := cmp.Diff(want, s.lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	r := s.Report(1, s.at(152))
	if r.LargestGap != 58*time.Millisecond || r.UsualGap != period || r.Open || r.Silent {
		t.Errorf("gap %v, usually %v, open %v, silent %v; want 58ms, %v, closed", r.LargestGap, r.UsualGap, r.Open, r.Silent, period)
	}
	flight := InFlight{Samples: 1, By: map[string]int{"b": 1}, StoppedEarly: 1}
	if diff := cmp.Diff(flight, r.InFlight); diff != "" {
		t.Errorf("in flight (-want +got)\n%s", diff)
	}
	if !s.Calm() {
		t.Error("there is nothing to wait for any more")
	}
}

// What was in flight is told apart by what became of it; what has no verdict yet is waited
// for.
func TestInFlight(t *testing.T) {
	s := newTold()
	s.usual(10)
	s.inject(145, Fault{Do: Cut, For: time.Second}, node("a"))
	// Beats 10 to 14 had come; that of 15 was 5 ms after the cut.
	s.verdict(10, 102, 150, "a") // out before: it took its time to get here
	s.verdict(11, 300, 301, "b")
	s.verdict(13, 300, 302, "b", func(v *controlpb.Verdict) { v.Exit = "none" })
	s.verdict(14, 300, 303, "b", func(v *controlpb.Verdict) { v.Exit = "refused" })
	s.verdict(15, 304, 305, "b")
	flight := InFlight{Samples: 4, By: map[string]int{"b": 1}, NoView: 1, Refused: 1, Waiting: 1}
	if diff := cmp.Diff(flight, s.Report(1, s.at(400)).InFlight); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	s.say(s.Over(1, s.at(1145)))
	if s.Calm() {
		t.Error("beat 12 is waited for")
	}
	s.verdict(12, 1150, 1151, "b", func(v *controlpb.Verdict) { v.SupersededBy = "x" }) // its survivor counts
	if s.Calm() {
		t.Error("beat 12 is waited for")
	}
	s.verdict(12, 1150, 1151, "b")
	if !s.Calm() {
		t.Error("every beat has its verdict")
	}
	// A run that ends takes what is in flight with it, decided or not.
	s.Run("another", period)
	want := "4 samples in flight: 2 decided by b, 1 seen by nobody, 1 refused"
	if got := s.Report(1, s.at(2000)).InFlight.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Nodes publish the verdicts of every run of a site: one of an older run that comes late says
// nothing of the present one. It must not end what is in flight, nor hide that it is missing.
func TestStrayVerdict(t *testing.T) {
	stray := func(v *controlpb.Verdict) { v.Sample = "s/old/7" }
	s := newTold()
	s.usual(10)
	s.verdict(7, 98, 99, "a", stray)
	s.inject(101, Fault{Do: Kill}, node("a"))
	s.verdict(7, 103, 104, "b", stray)
	if r := s.Report(1, s.at(105)); r.First != nil {
		t.Errorf("the first verdict after the fault is %v, of another run", r.First)
	}
	s.verdict(10, 150, 151, "b") // its moment was 100: in flight
	s.verdict(11, 152, 153, "b")
	if run, from, ok := s.Waiting(); ok { // beat 11 fell after the fault: all of it is there
		t.Errorf("waits for beat %d of %q", from, run)
	}
	r := s.Report(1, s.at(160))
	if diff := cmp.Diff(InFlight{Samples: 1, By: map[string]int{"b": 1}}, r.InFlight); diff != "" || r.UsualGap != period || s.Verdicts() != 12 {
		t.Errorf("usual gap %v, %d verdicts; in flight (-want +got)\n%s", r.UsualGap, s.Verdicts(), diff)
	}
	if r.LargestGap != 58*time.Millisecond {
		t.Errorf("largest gap %v, want 58 ms: the stray closes none", r.LargestGap)
	}
}

// Whoever does not know the period is told of the run by its verdicts, as before.
func TestRunIsAdopted(t *testing.T) {
	s := newTold()
	s.Timeline = NewTimeline()
	s.usual(3)
	s.verdict(0, 40, 41, "a", func(v *controlpb.Verdict) { v.Sample = "s/next/0" })
	if s.verdicts.run != "next" || s.Verdicts() != 4 {
		t.Errorf("run %q, %d verdicts; want next and 4", s.verdicts.run, s.Verdicts())
	}
}

// A sample that never gets a verdict is one that is told, even after the run has ended.
func TestLostStaysLost(t *testing.T) {
	s := newTold()
	s.usual(10)
	s.inject(101, Fault{Do: Kill}, node("a"))
	s.verdict(11, 150, 151, "b")
	s.Run("another", period)
	if got := s.Report(1, s.at(9000)).InFlight; got.Waiting != 1 {
		t.Errorf("got %+v, want one without a verdict", got)
	}
}

// A gap counts from the last verdict before the fault, to the next fault, and grows while
// nothing comes.
func TestGaps(t *testing.T) {
	s := newTold()
	s.usual(10) // the last at 93
	s.inject(101, Fault{Do: Pause, For: time.Second}, node("a"))
	if r := s.Report(1, s.at(400)); !r.Open || r.LargestGap != 307*time.Millisecond {
		t.Errorf("got %v, open %v; want 307 ms, open", r.LargestGap, r.Open)
	}
	s.verdict(10, 500, 503, "b")
	s.inject(600, Fault{Do: Kill}, node("b"))
	if r := s.Report(1, s.at(5000)); r.Open || r.LargestGap != 410*time.Millisecond {
		t.Errorf("got %v, open %v; want 410 ms, closed by the next fault", r.LargestGap, r.Open)
	}
	if r := s.Report(2, s.at(5000)); !r.Open || r.LargestGap != 4497*time.Millisecond || r.First != nil {
		t.Errorf("got %v, open %v, first %v; want 4497 ms, open, none", r.LargestGap, r.Open, r.First)
	}
}

// A verdict of the target itself shows nothing while its words do not come out, and
// everything where they do.
func TestFirstVerdict(t *testing.T) {
	for _, tt := range []struct {
		fault Fault
		want  string // who decides the first
	}{
		{Fault{Do: Kill}, "b"},
		{Fault{Do: Pause, For: time.Second}, "b"},
		{Fault{Do: Cut, For: time.Second}, "b"},
		{Fault{Do: Slow, For: time.Second, Delay: time.Second}, "a"},
		{Fault{Do: Lose, For: time.Second, Loss: 0.5}, "a"},
	} {
		s := newTold()
		s.usual(10)
		s.inject(95, tt.fault, node("a"))
		s.verdict(10, 102, 103, "a")
		s.verdict(11, 112, 113, "b")
		if r := s.Report(1, s.at(200)); r.First == nil || r.First.By != tt.want {
			t.Errorf("%s: first %+v, want by %s", tt.fault, r.First, tt.want)
		}
	}
}

// A fault is over at the time at which it is: when the same strikes the target again, when it is
// healed, by whomever, or by its own time at those that are left.
func TestOverBeforeItsTime(t *testing.T) {
	s := newTold()
	s.inject(0, Fault{Do: Slow, For: 4 * time.Second, Delay: time.Second}, node("a"))
	s.inject(3000, Fault{Do: Slow, For: 4 * time.Second, Delay: time.Second}, node("a"))
	s.say(s.Over(1, s.at(4000)))
	s.inject(4000, Fault{Do: Cut, For: 9 * time.Second}, node("a"), node("b"))
	s.say(s.Healed("peer-of-c", s.at(4500)))
	s.say(s.Healed("peer-of-a", s.at(5000)))
	s.say(s.Healed("peer-of-a", s.at(5001))) // it is told twice
	s.say(s.Over(2, s.at(7000)))
	s.say(s.Over(3, s.at(13000)))
	want := []string{
		"1 +0ms fault: slow by 1s for 4s: a",
		"2 +0ms fault: slow by 1s for 4s: a",
		"1 +3000ms over: slow of a is over: fault 2 has replaced it",
		"3 +0ms fault: cut for 9s: a, b",
		"2 +2000ms over: slow of a is over: it was healed",
		"3 +9000ms over: cut of b is over",
	}
	if diff := cmp.Diff(want, s.lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A node that was missed and is back is told of; one that nobody missed was never away.
func TestBack(t *testing.T) {
	s := newTold()
	s.inject(0, Fault{Do: Cut, For: 5 * time.Second}, node("a"), node("b"))
	s.event(3000, "c", "down", "peer", "peer-of-a")
	s.say(s.Over(1, s.at(5000)))
	s.say(s.Over(1, s.at(5001)))
	s.event(5500, "c", "joined", "peer", "peer-of-a", "name", "a")
	s.event(5600, "c", "joined", "peer", "peer-of-b", "name", "b")
	want := []string{
		"1 +0ms fault: cut for 5s: a, b",
		"1 +3000ms noticed: c takes a out of the members: probes went unanswered",
		"1 +5000ms over: cut of a, b is over",
		"1 +5500ms back: a is in the mesh again",
	}
	if diff := cmp.Diff(want, s.lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Without a run there are no verdicts to speak of, and the report says that.
func TestNothingRuns(t *testing.T) {
	s := newTold()
	s.inject(0, Fault{Do: Kill}, node("a"))
	r := s.Report(1, s.at(1000))
	if got := strings.Join(r.Lines(), "\n"); !r.Silent || r.LargestGap != 0 || !strings.Contains(got, "no verdict came") {
		t.Errorf("got %v, %q", r, got)
	}
	if got := s.Report(7, s.at(0)); got.Number != 0 {
		t.Errorf("got %v of an injection that is none", got)
	}
}

// Whoever watched may have been struck itself: what it did not hear is read from a log later,
// counts for what was in flight, and makes no gap smaller.
func TestReadLater(t *testing.T) {
	s := newTold()
	s.usual(10)
	s.inject(101, Fault{Do: Lose, For: time.Second, Loss: 0.5}, node("a"))
	s.verdict(20, 203, 204, "a")
	run, from, ok := s.Waiting()
	if run != "r" || from != 10 || !ok {
		t.Fatalf("waits for %q from %d, %v; want r from 10", run, from, ok)
	}
	for beat := range uint64(20) {
		since := int64(2 * time.Millisecond)
		s.Logged(&controlpb.Verdict{Sample: fmt.Sprintf("s/r/%d", beat), Beat: &beat, SinceBeatNs: &since, Holder: "a"})
	}
	if _, _, ok := s.Waiting(); ok {
		t.Error("it waits for what was read")
	}
	r := s.Report(1, s.at(204))
	if diff := cmp.Diff(InFlight{Samples: 1, By: map[string]int{"a": 1}}, r.InFlight); diff != "" || r.LargestGap != 111*time.Millisecond {
		t.Errorf("gap %v, want 111 ms; in flight (-want +got)\n%s", r.LargestGap, diff)
	}
}

// Programs read these names; a change of one breaks them.
func TestJSON(t *testing.T) {
	s := newTold()
	s.usual(3)
	s.inject(24, Fault{Do: Slow, For: time.Second, Delay: 1500 * time.Microsecond}, node("a", "cloud"))
	s.verdict(3, 32, 33, "b")
	got, err := json.Marshal(s.Report(1, s.at(33)))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"number":1,"at":"2026-01-01T00:00:00.024Z","fault":{"do":"slow","for_ms":1000,"delay_ms":1.5},` +
		`"targets":[{"name":"a","peer":"peer-of-a","roles":["cloud"],"views":[]}],"noticed":null,"claimed":[],"moved":[],` +
		`"first_verdict":{"fault":1,"ms":9,"what":"verdict","by":"b","sample":"s/r/3","text":"first verdict after it, by b, of beat 3"},` +
		`"largest_gap_ms":10,"usual_gap_ms":10,"gap_is_open":false,` +
		`"in_flight":{"samples":0,"decided_by":{},"stopped_early":0,"no_view":0,"refused":0,"waiting":0}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A verdict is kept for as long as a beat is told apart, not longer: a run of weeks must not
// fill the memory of whoever watches it.
func TestBounded(t *testing.T) {
	s := newTold()
	for b := range uint64(3 * beatsKept) {
		s.verdict(b, int(b)*10+2, int(b)*10+3, "a")
	}
	if n := len(s.verdicts.beats); n > 2*beatsKept {
		t.Errorf("%d beats are kept, more than %d", n, 2*beatsKept)
	}
	if low, ok := s.verdicts.low(); !ok || low != 3*beatsKept {
		t.Errorf("the first beat without a verdict is %d, want %d", low, 3*beatsKept)
	}
}
