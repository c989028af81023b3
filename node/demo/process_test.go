package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/builtin"
	"ganglion/inference/evaluation"
	"ganglion/node/chaos"
	"ganglion/node/control"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// TestDemo is the demo as people see it: real processes of the program, on loopback. The
// program is built once for all that is tried.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes take a minute: run without -short")
	}
	program := filepath.Join(t.TempDir(), "ganglion")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "ganglion").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	for _, tt := range []struct {
		name string
		try  func(t *testing.T, c Config, w *watcher)
	}{
		{"to its end", tryWhole},
		{"nodes killed", tryKilled},
		{"model published, views missing", tryPublished},
		{"without discovery, kept", tryKept},
		{"followed from outside, aggregator killed", tryFollowed},
		{"interrupted at the start", interruptedAt(Started)},
		{"interrupted on joining", interruptedAt(Joined)},
		{"interrupted in the act", interruptedAt(Struck)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, w := small(t, program)
			tt.try(t, c, w)
		})
	}
}

// watcher is a Teller that remembers, and does something at an event.
type watcher struct {
	said  []string
	at    map[Kind]func() // what is done at the first event of a kind
	after int             // samples
	then  func()          // what is done after so many; nil: nothing
}

// Tell remembers an event.
func (w *watcher) Tell(e Event) {
	w.said = append(w.said, fmt.Sprintf("%v %s: %s", e.Since.Round(time.Millisecond), e.Kind, e.Text))
	if do := w.at[e.Kind]; do != nil {
		delete(w.at, e.Kind)
		do()
	}
}

// Progress looks whether the time has come.
func (w *watcher) Progress(done, _ int) {
	if w.then != nil && done >= w.after {
		w.then()
		w.then = nil
	}
}

// Waits does nothing.
func (w *watcher) Waits(string) {}

// story is what was said of a kind.
func (w *watcher) story(k Kind) (out []string) {
	for _, s := range w.said {
		if _, text, ok := strings.Cut(s, " "+string(k)+": "); ok {
			out = append(out, text)
		}
	}
	return out
}

// small is a demo of forty samples, in folders of its own in which nothing must be left.
func small(t *testing.T, program string) (Config, *watcher) {
	t.Helper()
	t.Setenv("GANGLION_RUN_DIR", t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	b, set := street(t)
	w := &watcher{at: map[Kind]func(){}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what was told:\n%s", strings.Join(w.said, "\n"))
		}
		if files, err := control.RunFiles(); err != nil || len(files) > 0 {
			t.Errorf("processes are left: %v, %v", files, err)
		}
		if left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); err != nil || len(left) > 0 {
			t.Errorf("files are left: %v, %v", left, err)
		}
	})
	return Config{
		Program: program, Bundle: b, Set: set, Samples: evaluation.Every(set), Split: evaluation.SplitAll,
		Devices: 3, Rate: 50, CloudDelay: 5 * time.Millisecond, Calm: true, LogDir: t.TempDir(),
	}, w
}

// kill kills the node of that name as an impatient person would.
func kill(t *testing.T, name string) {
	t.Helper()
	files, err := control.RunFiles()
	for _, f := range files {
		if f.Name != name {
			continue
		}
		p, err := os.FindProcess(f.PID)
		if err == nil {
			err = p.Kill()
		}
		if err != nil {
			t.Errorf("kill %s: %v", name, err)
		}
		return
	}
	t.Errorf("kill %s: it is not among %v, %v", name, files, err)
}

// whole checks that nothing is lost and that every sample was due. How many views were
// seen depends on how busy the machine is, so that agreement is checked of the rest.
func whole(t *testing.T, r *Result, err error, due int) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !r.Complete() || r.Due != uint64(due) {
		t.Errorf("%d due, %d decided, %d refused, %d lost, %d open, %d verdicts; want %d due and as many verdicts", r.Due, r.Decided, r.Refused, r.Lost, r.Open, r.Samples, due)
	}
	if r.Wrong != 0 {
		t.Errorf("%d verdicts are wrong: %v", r.Wrong, r.Differences)
	}
}

// hearing has a test keep the verdicts of a demo that survive, by beat.
func hearing(c *Config) map[uint64]*controlpb.Verdict {
	all := map[uint64]*controlpb.Verdict{}
	c.heard = func(_ string, v *controlpb.Verdict) {
		switch old := all[v.GetBeat()]; {
		case v.GetSupersededBy() == "":
			all[v.GetBeat()] = v
		case old != nil && old.GetHash() == v.GetHash():
			delete(all, v.GetBeat())
		}
	}
	return all
}

// foreseen is the accuracy that the network in one process has on the views that each of
// the verdicts names as seen.
func foreseen(t *testing.T, c *Config, verdicts map[uint64]*controlpb.Verdict) evaluation.Number {
	t.Helper()
	right, of := 0, 0
	for beat, v := range verdicts {
		ref := c.Samples[beat%uint64(len(c.Samples))]
		seen, fault := viewSet(c.Bundle.Topology(), v.GetSeen())
		if fault != "" {
			t.Fatal(fault)
		}
		m := c.Bundle.Model()
		answer := m.Answer(outputsOf(c.Bundle, c.Set, ref), seen, c.Bundle.Thresholds(), m.NewScratch())
		class := answer.Class
		if v.GetStoppedEarly() || len(v.GetUsed()) != len(v.GetSeen()) {
			class = slices.Index(c.Bundle.Topology().Classes, v.GetClass()) // a busy machine: it rests on less than was seen
		}
		if label := c.Set.Labels[ref]; label >= 0 && class >= 0 {
			of++
			if class == label {
				right++
			}
		}
	}
	return share(right, of)
}

// Processes must find each other, share the views out, and answer every sample as one
// process would. In the act two of them die, and what is asked of the others then is no part
// of the figures.
func tryWhole(t *testing.T, c Config, w *watcher) {
	t.Helper()
	c.Calm = false
	r, err := Run(t.Context(), c, w, nil)
	whole(t, r, err, len(c.Samples))
	if r.PayloadPerSeenView < 12 || r.SocketPerSeenView <= r.PayloadPerSeenView {
		t.Errorf("payload %v, on the wire %v", r.PayloadPerSeenView, r.SocketPerSeenView)
	}
	for kind, n := range map[Kind]int{Started: 1, Shown: 1, Found: 1, Joined: 5, Viewed: 6, Elected: 2, Ready: 1, Ran: 2, Decided: 1, Acted: 1, Struck: 2} {
		if got := w.story(kind); len(got) < n {
			t.Errorf("%s: %q, want %d", kind, got, n)
		}
	}
	if len(r.Died) > 0 {
		t.Errorf("%v died by themselves", r.Died)
	}
	acted(t, r.Act)
}

// acted checks what an act came to: a camera and the aggregator die, that is noticed, the
// role moves, and nothing is lost. The times say how fast the machine is.
func acted(t *testing.T, a *Act) {
	t.Helper()
	if a == nil || len(a.Faults) != 2 {
		t.Fatalf("the act has no two faults: %+v", a)
	}
	if !a.Complete() || a.Due != actBeats || a.Wrong > 0 {
		t.Errorf("act: %d due, %d decided, %d refused, %d lost, %d open, %d verdicts, %d wrong; want %d due, and all of them right: %v", a.Due, a.Decided, a.Refused, a.Lost, a.Open, a.Samples, a.Wrong, actBeats, a.Differences)
	}
	for i, f := range a.Faults {
		if len(f.Targets) != 1 || f.InFlight.Waiting > 0 {
			t.Errorf("fault %d of the act: %+v", i, f)
		}
	}
	camera, aggregator := a.Faults[0].Targets[0], a.Faults[1]
	if len(camera.Views) == 0 || slices.Contains(camera.Roles, "aggregator") {
		t.Errorf("the camera that died was %+v", camera)
	}
	if !slices.Contains(aggregator.Targets[0].Roles, "aggregator") {
		t.Errorf("the aggregator that died was %+v", aggregator.Targets)
	}
	if !slices.ContainsFunc(aggregator.Noticed, func(e chaos.Entry) bool { return e.How == chaos.HowMembership }) {
		t.Log("the machine is so slow that the curtain fell before the members missed the aggregator")
		return
	}
	moved := func(e chaos.Entry) bool { return strings.HasPrefix(e.Role, "aggregator/") }
	if !slices.ContainsFunc(aggregator.Moved, moved) || aggregator.First == nil || len(a.Timeline) < 6 {
		t.Errorf("it was missed, but its roles moved: %v; first verdict %v; timeline %v", aggregator.Moved, aggregator.First, a.Timeline)
	}
}

// Somebody who kills a camera and the aggregator in the middle of a demo must see another
// take over and every sample answered: each as the network in one process does on the views
// that were there, so that the accuracy is what eval foresees of them.
func tryKilled(t *testing.T, c Config, w *watcher) {
	t.Helper()
	verdicts := hearing(&c)
	camera, view, aggregator := "", "", ""
	w.at[Decided] = func() {
		roles := strings.Join(w.story(Elected), "\n")
		for _, e := range w.story(Viewed) {
			name, fed, _ := strings.Cut(e, " feeds view ")
			if !strings.Contains(roles, name+" ") { // it is a device and nothing else
				camera, view = name, fed
			}
		}
		kill(t, camera)
	}
	w.after, w.then = len(c.Samples)/2, func() {
		for _, e := range w.story(Elected) {
			if name, _, ok := strings.Cut(e, " is aggregator"); ok {
				aggregator = name
			}
		}
		kill(t, aggregator)
	}
	r, err := Run(t.Context(), c, w, nil)
	whole(t, r, err, len(c.Samples))
	for _, name := range []string{camera, aggregator} {
		if got := strings.Join(w.story(Ended), "\n"); !strings.Contains(got, name+" ended (signal: killed)") {
			t.Errorf("ended: %q, want %s", got, name)
		}
	}
	if got := strings.Join(w.story(Elected), "\n"); !strings.Contains(got, "takes over as aggregator from "+aggregator) {
		t.Errorf("elected: %q", got)
	}
	if diff := cmp.Diff([]string{camera, aggregator}, r.Died); diff != "" {
		t.Errorf("died (-want +got):\n%s", diff)
	}
	without := 0
	for _, v := range verdicts {
		if slices.ContainsFunc(v.GetMissing(), func(m *controlpb.MissingView) bool { return m.GetView() == view }) {
			without++
		}
	}
	if without == 0 || r.AgreesWithEval {
		t.Errorf("%d verdicts lack %s of %s, agrees with eval: %v; the test shows nothing", without, view, camera, r.AgreesWithEval)
	}
	if want := foreseen(t, &c, verdicts); r.Accuracy != want {
		t.Errorf("accuracy %v, one process has %v on the views that were there", r.Accuracy, want)
	}
}

// A model that nobody has must reach every node through one of them, another topology's too.
// A mesh of it that never had some of the views must answer as the network in one process
// does without them: as eval says of that set of views, wherever no stall of the machine
// made a view late.
func tryPublished(t *testing.T, c Config, w *watcher) {
	t.Helper()
	c.Bundle, c.Missing, c.Publish, c.Split = edged(t), []int{0, 3}, true, evaluation.SplitTest
	var err error
	if c.Samples, _, err = evaluation.Remembered(c.Bundle, c.Set, evaluation.Test); err != nil {
		t.Fatal(err)
	}
	verdicts := hearing(&c)
	r, err := Run(t.Context(), c, w, nil)
	whole(t, r, err, len(c.Samples))
	if got := w.story(Bundled); len(got) != 1+4 {
		t.Errorf("model: %q, want one that is given it and four that fetch it", got)
	}
	if diff := cmp.Diff([]string{c.Set.Views[0], c.Set.Views[3]}, r.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	for beat, v := range verdicts {
		reasons := map[string]string{}
		for _, m := range v.GetMissing() {
			reasons[m.GetView()] = m.GetReason()
		}
		for _, view := range r.Missing {
			if reasons[view] != "not held" {
				t.Fatalf("beat %d: %s is missing for %q", beat, view, reasons[view])
			}
		}
	}
	report, err := evaluation.Run(t.Context(), c.Bundle, c.Set, c.Samples, evaluation.SplitTest)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(report.Missing, func(m evaluation.Missing) bool { return slices.Equal(m.Views, c.Missing) })
	switch want := report.Missing[i].Overall; {
	case !r.AgreesWithEval:
		t.Logf("not compared with eval: %d of %d samples lack a view: %v", r.Differing, r.Samples, r.Differences)
	case r.Accuracy != want:
		t.Errorf("accuracy %v, eval says %v of these views", r.Accuracy, want)
	}
	if want := foreseen(t, &c, verdicts); r.Accuracy != want {
		t.Errorf("accuracy %v, one process has %v on the views that were there", r.Accuracy, want)
	}
}

// On a machine whose loopback passes no broadcast the demo must say so and go on. One that
// is kept running goes through the samples again and again, and tells what it came to when
// it is ended.
func tryKept(t *testing.T, c Config, w *watcher) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c.deaf, c.Keep = true, true
	w.after, w.then = len(c.Samples)+5, cancel
	r, err := Run(ctx, c, w, nil)
	if err == nil || r == nil {
		t.Fatalf("got %v, %v; want a result and why it ended", r, err)
	}
	if got := w.story(Warned); len(got) == 0 || !strings.Contains(got[0], "no node hears another") {
		t.Errorf("warnings: %q", got)
	}
	if r.Samples < w.after || r.Accuracy < 0.5 || r.Due < uint64(len(c.Samples)) || r.Wrong > 0 || r.Act != nil {
		t.Errorf("%d samples, accuracy %v, %d due, %d wrong, act %v", r.Samples, r.Accuracy, r.Due, r.Wrong, r.Act)
	}
}

// Ctrl-C at any moment must end every process and leave nothing.
func interruptedAt(kind Kind) func(*testing.T, Config, *watcher) {
	return func(t *testing.T, c Config, w *watcher) {
		t.Helper()
		c.Calm = false
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.at[kind] = cancel
		r, err := Run(ctx, c, w, nil)
		if err == nil || ctx.Err() == nil {
			t.Errorf("got %v, want that it was interrupted", err)
		}
		if kind == Struck && (r == nil || r.Act == nil || !r.Act.Interrupted || r.Act.Due == 0) {
			t.Errorf("got %+v; want what the act came to by then", r)
		}
	}
}

// Whoever starts a demo that cannot start needs to see which node did not, and why, without
// looking for a file.
func TestNodesDoNotStart(t *testing.T) {
	program, err := exec.LookPath("false")
	if err != nil {
		t.Skip("there is no program that fails")
	}
	c, w := small(t, program)
	_, err = Run(t.Context(), c, w, nil)
	var exit *launch.ExitError
	if !errors.As(err, &exit) || !strings.HasPrefix(exit.Name, "device-") && !strings.HasPrefix(exit.Name, "node-") || exit.How != "exit status 1" {
		t.Errorf("got %v, want that a node ended with exit status 1", err)
	}
}

// A data set that is not the model's is refused before anything is started.
func TestConfigValidate(t *testing.T) {
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	_, set := street(t)
	two, err := set.SelectViews([]int{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	good := Config{Program: "p", Bundle: b, Set: set, Samples: []int{0}, Split: "all", Devices: 6, Rate: 20}
	tests := []struct {
		name  string
		spoil func(c *Config)
		want  string
	}{
		{"good", func(*Config) {}, ""},
		{"no samples", func(c *Config) { c.Samples = nil }, "samples to replay must be given"},
		{"other views", func(c *Config) { c.Set = two }, "has 2 views, the model 6"},
		{"too many devices", func(c *Config) { c.Devices = 7 }, "7 devices for 6 views"},
		{"some views missing", func(c *Config) { c.Missing, c.Devices = []int{0, 3}, 4 }, ""},
		{"too many devices for what is left", func(c *Config) { c.Missing = []int{0} }, "6 devices for 5 views"},
		{"a view missing that is none", func(c *Config) { c.Missing = []int{6} }, "missing view 6: the model has views 0 to 5"},
		{"all views missing", func(c *Config) { c.Missing = []int{0, 1, 2, 3, 4, 5} }, "all 6 views are missing"},
		{"a split", func(c *Config) { c.Split = "some" }, `split "some"`},
		{"too slow", func(c *Config) { c.Rate = 0 }, "rate 0"},
		{"too far", func(c *Config) { c.CloudDelay = time.Minute }, "cloud delay 1m0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.spoil(&c)
			err := c.Validate()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want one with %q", err, tt.want)
			}
		})
	}
}
