package source

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
)

// scene is a data set that is quickly rendered.
const scene = "street:samples=60,seed=7"

func embedded(t testing.TB) *inference.Bundle {
	t.Helper()
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sceneSet(t testing.TB) *dataset.Set {
	t.Helper()
	set, err := dataset.Open(scene, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// remembering is the embedded bundle as if it had been trained on a data set, with
// these test frames.
func remembering(t testing.TB, set *dataset.Set, frames string) *inference.Bundle {
	t.Helper()
	content := embedded(t).Content()
	content.Provenance.DataHash, content.Provenance.TestFrames = set.Hash[:], frames
	b, err := inference.NewBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openAs[S Source](t testing.TB, spec Spec, config Config) S {
	t.Helper()
	s, err := Open(spec, config)
	if err != nil {
		t.Fatal(err)
	}
	typed, ok := s.(S)
	if !ok {
		t.Fatalf("source %s is a %T", spec, s)
	}
	return typed
}

// All nodes of a site must show the same sample at a beat, and the one that evaluation
// judges: the list is what the bundle remembers, in order, again and again.
func TestReplayIsAFunctionOfTheBeat(t *testing.T) {
	set := sceneSet(t)
	b := remembering(t, set, "10-19,22-23")
	want, found, err := evaluation.Remembered(b, set, evaluation.Test)
	if err != nil || !found || len(want) == 0 {
		t.Fatalf("the bundle remembers %v, %v, %v", want, found, err)
	}
	r := openAs[*Replay](t, Spec{Kind: KindReplay, Ref: scene}, Config{Bundle: b})
	if r.Live() || r.Len() != len(want) || r.Data() != set.Hash || !r.Synthetic() {
		t.Errorf("live %v, %d samples, data %x", r.Live(), r.Len(), r.Data())
	}
	for beat := range uint64(3 * len(want)) {
		ref := r.RefAt(beat)
		if ref != want[int(beat)%len(want)] {
			t.Fatalf("beat %d shows sample %d, want %d", beat, ref, want[int(beat)%len(want)])
		}
		if r.Label(ref) != set.Labels[ref] {
			t.Errorf("sample %d has label %d, want %d", ref, r.Label(ref), set.Labels[ref])
		}
		for v := range set.Views {
			checkPixels(t, r, set, ref, v)
		}
	}
	if ref := r.RefAt(1<<64 - 1); !r.Has(ref) {
		t.Errorf("the last beat of all shows %d, which is not in the list", ref)
	}
	if n := len(r.pixels); n != len(want)*len(set.Views)*set.Shape().Size() || r.whole.Pixels != nil {
		t.Errorf("%d bytes of pixels are kept of %d samples; of the whole set %d", n, len(want), len(r.whole.Pixels))
	}
	outside := 0
	if _, seen, err := r.Pixels(outside, 0); seen != Fault || err == nil || r.Has(outside) || r.Label(outside) != -1 {
		t.Errorf("a sample outside the list: %v, %v", seen, err)
	}
}

// checkPixels compares what a replay shows with the data set.
func checkPixels(t *testing.T, r *Replay, set *dataset.Set, ref, view int) {
	t.Helper()
	want, wantLook := set.View(ref, view), Seen
	if !topology.Nonzero.Present(want) {
		want, wantLook = nil, Nothing
	}
	pixels, seen, err := r.Pixels(ref, view)
	if err != nil || seen != wantLook || !bytes.Equal(pixels, want) {
		t.Fatalf("sample %d, view %d: %v, %v, as in the data set: %v", ref, view, seen, err, bytes.Equal(pixels, want))
	}
}

// A node feeds one view or a few: the others' pixels go, and what stays is right.
func TestReplayKeeps(t *testing.T) {
	set := sceneSet(t)
	for _, split := range []string{SplitTest, SplitAll} {
		r := openAs[*Replay](t, Spec{Kind: KindReplay, Ref: scene}, Config{Bundle: remembering(t, set, "5-9"), Split: split})
		for _, kept := range [][]int{{4, 1}, {4}} {
			r.Keep(kept...)
			if n := len(r.pixels); n != r.Len()*len(kept)*set.Shape().Size() {
				t.Errorf("split %s: %d bytes are kept", split, n)
			}
			for beat := range uint64(r.Len()) {
				for _, v := range kept {
					checkPixels(t, r, set, r.RefAt(beat), v)
				}
			}
			if _, seen, err := r.Pixels(r.RefAt(0), 0); seen != Fault || err == nil {
				t.Errorf("a view that was dropped: %v, %v", seen, err)
			}
		}
	}
}

// Of data that the bundle does not know, every sample is replayed, and a line says so;
// what was asked for is not remarked upon.
func TestReplayOfOtherData(t *testing.T) {
	set := sceneSet(t)
	third, err := set.SamplesIn(dataset.FrameRanges{{First: 3, Last: 3}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, split string
		bundle      *inference.Bundle
		want        string // of Split
		told        bool
	}{
		{"unknown data", "", embedded(t), SplitAll, true},
		{"all of unknown data", SplitAll, embedded(t), SplitAll, false},
		{"all of known data", SplitAll, remembering(t, set, "3"), SplitAll, false},
		{"known data", SplitTest, remembering(t, set, "3"), nameOf(third), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			r := openAs[*Replay](t, Spec{Kind: KindReplay, Ref: scene}, Config{
				Bundle: tt.bundle, Split: tt.split, Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if r.Split() != tt.want || (r.Len() == set.Len()) != (tt.want == SplitAll) {
				t.Errorf("split %s of %d samples, want %s", r.Split(), r.Len(), tt.want)
			}
			if told := strings.Contains(log.String(), "every sample is replayed"); told != tt.told {
				t.Errorf("the log says %q", log.String())
			}
		})
	}
	if _, err := Open(Spec{Kind: KindReplay, Ref: scene}, Config{Bundle: embedded(t), Split: "most"}); err == nil {
		t.Error("a split that nobody knows was opened")
	}
}

// Another bundle may have other test frames of the same data: replays that would show
// different samples at one beat must not have the same name.
func TestReplayMatches(t *testing.T) {
	set := sceneSet(t)
	first, second := remembering(t, set, "10-19"), remembering(t, set, "10-18,20")
	open := func(b *inference.Bundle, split string) *Replay {
		return openAs[*Replay](t, Spec{Kind: KindReplay, Ref: scene}, Config{Bundle: b, Split: split})
	}
	r, other := open(first, SplitTest), open(second, SplitTest)
	if r.Split() == other.Split() {
		t.Errorf("lists of different samples are both called %s", r.Split())
	}
	if !r.Matches(first) || r.Matches(second) || r.Matches(embedded(t)) {
		t.Error("a list matches its own bundle alone")
	}
	if all := open(first, SplitAll); !all.Matches(second) {
		t.Error("every sample is every sample, whatever the bundle remembers")
	}
}

// A bundle may change under a replay: one that it does not fit is refused, and leaves
// the replay as it was.
func TestReplayFit(t *testing.T) {
	r := openAs[*Replay](t, Spec{Kind: KindReplay, Ref: scene}, Config{Bundle: embedded(t)})
	empty := -1 // a sample in which view 0 has nothing in view
	for beat := range uint64(r.Len()) {
		if _, seen, _ := r.Pixels(r.RefAt(beat), 0); seen == Nothing {
			empty = r.RefAt(beat)
		}
	}
	if empty < 0 {
		t.Fatal("the scene has no view without anything in it: take another")
	}
	change := func(f func(*topology.Topology)) *topology.Topology {
		changed := *embedded(t).Topology()
		f(&changed)
		return &changed
	}
	for name, other := range map[string]*topology.Topology{
		"shape":   change(func(t *topology.Topology) { t.Input.Rows = 64; t.Presence = topology.Always }),
		"views":   change(func(t *topology.Topology) { t.Views = t.Views[:1] }),
		"classes": change(func(t *topology.Topology) { t.Classes = append([]string{"other"}, t.Classes[1:]...) }),
	} {
		if err := r.Fit(other); err == nil {
			t.Errorf("other %s fit", name)
		}
	}
	if _, seen, err := r.Pixels(empty, 0); seen != Nothing {
		t.Errorf("after refused fits: %v, %v", seen, err)
	}
	if err := r.Fit(change(func(t *topology.Topology) { t.Presence = topology.Always })); err != nil {
		t.Fatal(err)
	}
	pixels, seen, err := r.Pixels(empty, 0)
	if diff := cmp.Diff(make([]byte, 3*32*32), pixels); seen != Seen || err != nil || diff != "" {
		t.Errorf("where views are always present: %v, %v, %s", seen, err, diff)
	}
}
