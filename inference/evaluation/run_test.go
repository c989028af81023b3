package evaluation

import (
	"context"
	"encoding/json"
	"errors"
	"math/bits"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
)

// untrained is a bundle of random weights: what a weight's value is makes no
// difference to how answers are counted. Those of this seed disagree enough.
func untrained(t *testing.T, top *topology.Topology) *inference.Bundle {
	t.Helper()
	b, err := inference.NewBundle(reference.Random(top, 4))
	if err != nil {
		t.Fatal(err)
	}
	bySeen := map[topology.Exit][]float64{}
	exits := top.Exits()
	for _, exit := range exits[:len(exits)-1] {
		bySeen[exit] = []float64{0.6, 0.8}[:min(2, len(top.Views))]
	}
	thresholds, err := inference.NewThresholds(top, bySeen)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = b.WithThresholds(thresholds, "a test"); err != nil {
		t.Fatal(err)
	}
	return b
}

// scene is 60 samples of three views in every state: seen by any of them or none,
// a few without a label.
func scene(t *testing.T, top *topology.Topology) *dataset.Set {
	t.Helper()
	var samples []sampleOf
	for i := range 60 {
		s := sampleOf{uint64(i*5/3) % (1 << len(top.Views)), i % 3}
		if i%13 == 12 {
			s.label = dataset.NotPresent
		}
		samples = append(samples, s)
	}
	return made(t, top, samples...)
}

// plainly answers samples one by one with some views missing, the way the network
// of nodes does: no device output is used twice, nothing is precomputed.
func plainly(b *inference.Bundle, set *dataset.Set, missing uint64, thresholds inference.Thresholds) (overall Number, noView int) {
	right, scored := 0, 0
	s := b.Model().NewScratch()
	for i := range set.Len() {
		pixels := make([][]byte, len(set.Views))
		for v := range pixels {
			if missing&(1<<v) == 0 {
				pixels[v] = set.View(i, v)
			}
		}
		v := b.Model().Classify(pixels, thresholds, s)
		switch {
		case v.Exit == topology.ExitNone:
			noView++
		case set.Labels[i] == dataset.NotPresent:
		default:
			scored++
			if v.Class == set.Labels[i] {
				right++
			}
		}
	}
	return share(right, scored), noView
}

// Everything that a report says about accuracy must be what one would get by
// answering sample after sample with the deployed network, in every deployment.
func TestReportIsWhatTheNetworkAnswers(t *testing.T) {
	for _, preset := range []string{"a", "c", "e", "f", "elastic"} {
		t.Run(preset, func(t *testing.T) {
			top := paperTopology(t, preset, 3)
			b, set := untrained(t, top), scene(t, top)
			r, err := Run(context.Background(), b, set, Every(set), SplitAll)
			if err != nil {
				t.Fatal(err)
			}
			want, noView := plainly(b, set, 0, b.Thresholds())
			if r.Accuracy.Overall != want || r.NoView != noView || r.Samples != set.Len() {
				t.Errorf("overall %v, no view %d of %d; want %v, %d of %d", r.Accuracy.Overall, r.NoView, r.Samples, want, noView, set.Len())
			}
			for _, row := range r.Sweep {
				if want, _ := plainly(b, set, 0, b.Thresholds().WithAll(row.T)); row.Overall != want {
					t.Errorf("T = %v: overall %v, want %v", row.T, row.Overall, want)
				}
			}
			if len(r.Missing) != 6 {
				t.Errorf("%d sets of missing views, want 3 of one and 3 of two", len(r.Missing))
			}
			for _, m := range r.Missing {
				var missing uint64
				for _, v := range m.Views {
					missing |= 1 << v
				}
				want, noView := plainly(b, set, missing, b.Thresholds())
				if m.Overall != want || m.NoView != noView || m.Samples != set.Len() {
					t.Errorf("without %v: overall %v, no view %d of %d; want %v, %d of %d", m.Views, m.Overall, m.NoView, m.Samples, want, noView, set.Len())
				}
			}
		})
	}
}

// The parts of a report must add up: readers compute with them.
func TestReportAddsUp(t *testing.T) {
	for _, preset := range []string{"a", "c", "e", "f"} {
		t.Run(preset, func(t *testing.T) {
			top := paperTopology(t, preset, 3)
			b, set := untrained(t, top), scene(t, top)
			r, err := Run(context.Background(), b, set, Every(set), SplitAll)
			if err != nil {
				t.Fatal(err)
			}
			total := Number(0)
			for _, s := range r.Exits {
				total += s
			}
			if total < 1-1e-12 || total > 1+1e-12 {
				t.Errorf("exit shares %v sum to %v, want 1", r.Exits, total)
			}
			scored := r.Samples - r.NoView - r.Unlabelled
			inMatrix, right := 0, 0
			for label, row := range r.Confusion {
				for class, n := range row {
					inMatrix += n
					if class == label {
						right += n
					}
				}
			}
			if inMatrix != scored || share(right, scored) != r.Accuracy.Overall {
				t.Errorf("confusion has %d samples, %d right; want %d and accuracy %v", inMatrix, right, scored, r.Accuracy.Overall)
			}
			if occupied := slices.IndexFunc(r.PerClass, func(c ClassFigures) bool { return c.Recall == 1 }); occupied >= 0 {
				t.Errorf("every answer is class %d: the network no longer tells samples apart", occupied)
			}
			if l := r.Exits["local"]; top.Local != nil && (l == 0 || l+r.Exits["none"] == 1) {
				t.Errorf("%v of the samples exit locally: both ways should be taken", l)
			}
			atExits := 0
			for _, e := range r.ExitAccuracy {
				atExits += e.Samples
			}
			if atExits != scored {
				t.Errorf("exits answer %d labelled samples, want %d", atExits, scored)
			}
			if r.Unlabelled == 0 || r.NoView == 0 {
				t.Errorf("%d unlabelled, %d without a view: the scene no longer has them", r.Unlabelled, r.NoView)
			}
		})
	}
}

// A view alone is measured by its own device's exit against its own label.
func TestDevicesAreMeasuredAlone(t *testing.T) {
	top := paperTopology(t, "c", 3)
	b, set := untrained(t, top), scene(t, top)
	r, err := Run(context.Background(), b, set, Every(set), SplitAll)
	if err != nil {
		t.Fatal(err)
	}
	labelled := 0
	for _, label := range set.Labels {
		if label != dataset.NotPresent {
			labelled++
		}
	}
	out, scratch := b.Model().NewOutput(), b.Model().NewScratch()
	for v, got := range r.Devices {
		seen, right := 0, 0
		for i := range set.Len() {
			if set.ViewLabel(i, v) == dataset.NotPresent {
				continue
			}
			seen++
			b.Model().Device(v, set.View(i, v), out, scratch)
			if inference.ArgMax(out.Scores) == set.ViewLabel(i, v) {
				right++
			}
		}
		want := DeviceAccuracy{v, top.Views[v], seen, share(right, seen), Wilson(right, seen), share(right, labelled), Wilson(right, labelled)}
		if diff := cmp.Diff(want, got, sameNumber); diff != "" {
			t.Errorf("view %d (-want +got):\n%s", v, diff)
		}
	}
}

// Figures must not depend on how the work was shared out.
func TestReportIndependentOfWorkers(t *testing.T) {
	top := paperTopology(t, "f", 4)
	b, set := untrained(t, top), scene(t, top)
	var texts []string
	for _, workers := range []int{1, 2, 7} {
		before := runtime.GOMAXPROCS(workers)
		r, err := Run(context.Background(), b, set, Every(set), SplitAll)
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	for i, text := range texts {
		if text != texts[0] {
			t.Errorf("report %d differs from the first:\n%s\n%s", i, text, texts[0])
		}
	}
}

// The keys are promised to programs: a renamed field must fail here.
func TestReportKeys(t *testing.T) {
	top := paperTopology(t, "e", 3)
	b, set := untrained(t, top), scene(t, top)
	r, err := RunWith(context.Background(), b, set, Options{Samples: Every(set), Split: SplitAll, Together: [][]int{{0, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	keysOf := func(raw json.RawMessage) []string {
		var inner map[string]json.RawMessage
		if raw[0] == '[' {
			var list []map[string]json.RawMessage
			if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 {
				t.Fatalf("%s is no list of objects (%v)", raw, err)
			}
			inner = list[0]
		} else if err := json.Unmarshal(raw, &inner); err != nil {
			t.Fatalf("%s is no object: %v", raw, err)
		}
		var keys []string
		for key := range inner {
			keys = append(keys, key)
		}
		return keys
	}
	for key, inner := range map[string][]string{
		"samples": nil, "no_view": nil, "bundle": nil,
		"payload_bytes_per_seen_view": nil, "payload_bytes_per_device": nil, "raw_bytes_per_view": nil,
		"thresholds":   {"local", "edge"},
		"accuracy":     {"overall", "local", "edge", "cloud", "balanced"},
		"baselines":    {"majority", "presence"},
		"exits":        {"local", "edge", "cloud", "none"},
		"devices":      {"view", "accuracy"},
		"sweep":        {"t", "local_exit", "overall", "payload_bytes_per_seen_view"},
		"missing":      {"views", "samples", "no_view", "overall", "interval", "of_all_samples", "local", "edge", "cloud", "local_exit"},
		"growth":       {"added", "views", "alone", "overall", "of_all_samples", "local", "cloud"},
		"nodes":        {"views", "overall"},
		"exit_quality": {"exit", "seen", "t", "exit_share", "exited", "sent_up", "withheld", "calibration_error", "reliability", "entropy"},
	} {
		if object[key] == nil {
			t.Errorf("there is no key %q", key)
			continue
		}
		for _, want := range inner {
			if !slices.Contains(keysOf(object[key]), want) {
				t.Errorf("%q has no key %q: %s", key, want, object[key])
			}
		}
	}
	if want := `{"1":0.6,"2":0.8,"3":0.8}`; !strings.Contains(string(object["thresholds"]), want) {
		t.Errorf("thresholds %s, want %s in them", object["thresholds"], want)
	}
}

// Data that does not fit must be refused before it is read out of bounds, in one
// line with both figures and the way out.
func TestCheckFit(t *testing.T) {
	top := paperTopology(t, "c", 3)
	set := scene(t, top)
	other := func(change func(*topology.Topology)) *topology.Topology {
		o := *top
		change(&o)
		return &o
	}
	tests := []struct {
		name string
		top  *topology.Topology
		want []string // parts of the error; none: it fits
	}{
		{"fits", top, nil},
		{"views", other(func(o *topology.Topology) { o.Views = topology.ViewNames(6) }), []string{"3 views", "model 6", "--views"}},
		{"shape", other(func(o *topology.Topology) { o.Input.Rows = 32 }), []string{"3 x 8 x 8", "3 x 32 x 8", "resize"}},
		{"fewer classes", other(func(o *topology.Topology) { o.Classes = []string{"car", "bus"} }), []string{"3 classes", "2 (car,bus)", "--classes car,bus"}},
		{"other order", other(func(o *topology.Topology) { o.Classes = []string{"bus", "car", "person"} }), []string{"car,bus,person", "--classes bus,car,person"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckFit(tt.top, set)
			if (err != nil) != (len(tt.want) > 0) {
				t.Fatalf("error %v, want one: %v", err, len(tt.want) > 0)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %q is not one line with %q", err, part)
				}
			}
		})
	}
	named := *set
	named.Classes = []string{"0", "1", "2"}
	if err := CheckFit(top, &named); err != nil {
		t.Errorf("classes that are only numbers: %v, want them to go by place", err)
	}
}

// Ctrl-C must end an evaluation.
func TestRunStops(t *testing.T) {
	top := paperTopology(t, "c", 3)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	set := scene(t, top)
	if _, err := Run(ctx, untrained(t, top), set, Every(set), SplitAll); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if _, err := Run(context.Background(), untrained(t, top), set, nil, SplitAll); err == nil {
		t.Error("no samples: no error, want one")
	}
}

// Verdicts are one line per sample in order, say what the network says, and never
// guess without a view.
func TestWriteVerdicts(t *testing.T) {
	for _, preset := range []string{"c", "f"} {
		t.Run(preset, func(t *testing.T) {
			top := paperTopology(t, preset, 3)
			b, set := untrained(t, top), scene(t, top)
			refs := []int{59, 0, 12, 7, 30, 44}
			var text strings.Builder
			if err := WriteVerdicts(context.Background(), &text, b, set, refs); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
			if len(lines) != len(refs) {
				t.Fatalf("%d lines, want %d", len(lines), len(refs))
			}
			scratch := b.Model().NewScratch()
			for i, line := range lines {
				var got Verdict
				if err := json.Unmarshal([]byte(line), &got); err != nil {
					t.Fatalf("line %d: %v", i, err)
				}
				var pixels [][]byte
				for v := range set.Views {
					pixels = append(pixels, set.View(refs[i], v))
				}
				want := b.Model().Classify(pixels, b.Thresholds(), scratch)
				if got.Ref != refs[i] || got.Exit != want.Exit.String() || (got.Class == nil) != (want.Class < 0) ||
					got.Class != nil && *got.Class != top.Classes[want.Class] {
					t.Errorf("line %d: %s, want sample %d: exit %v, class %d", i, line, refs[i], want.Exit, want.Class)
				}
				if len(got.Seen) != bits.OnesCount64(want.Seen) || len(got.Seen)+len(got.Nothing) != 3 || len(got.Missing) != 0 {
					t.Errorf("line %d: %s, want %d views seen, the others with nothing in view", i, line, bits.OnesCount64(want.Seen))
				}
				if len(got.Entropy) != len(want.Proposals) || len(got.Probabilities) != len(want.Probabilities()) {
					t.Errorf("line %d: %s, want %d exits met", i, line, len(want.Proposals))
				}
				if (got.Label == nil) != (set.Labels[refs[i]] == dataset.NotPresent) {
					t.Errorf("line %d: %s, label of the data is %d", i, line, set.Labels[refs[i]])
				}
			}
			if none := lines[1]; !strings.Contains(none, `"class":null,"probabilities":null,"exit":"none"`) {
				t.Errorf("a sample without a view: %s, want no class and exit none", none)
			}
		})
	}
}
