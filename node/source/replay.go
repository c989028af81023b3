package source

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
)

// Replay shows the samples of a data set, by beat. What it shows never changes.
type Replay struct {
	asked string       // the configured split
	whole *dataset.Set // the data set without what is seen: names, shape, hash, labels, frames
	split string       // the list's name
	list  []int        // samples of the split, ascending

	mu       sync.RWMutex
	presence topology.Presence
	pixels   []byte // [place in list, place in kept, channel, row, col]
	kept     []int  // views whose pixels are there
}

func openReplay(spec Spec, config Config) (*Replay, error) {
	t := config.Bundle.Topology()
	if _, _, err := spec.ViewIn(t); err != nil {
		return nil, err
	}
	r, whole, err := loadReplay(spec.Ref, config)
	if err != nil {
		return nil, fmt.Errorf("open source %s: %w", spec, err)
	}
	// The data set is several times what is kept. Where many nodes start on one machine,
	// what each gives back at once is room for the next.
	debug.FreeOSMemory()
	if whole {
		config.Log.Info("bundle remembers no test frames of this data set: every sample is replayed",
			"source", spec.String(), "bundle", config.Bundle.ID().Short(), "samples", len(r.list))
	}
	return r, nil
}

// loadReplay reads the data set and keeps what the split needs; whole tells that the
// bundle does not know the data set.
func loadReplay(ref string, config Config) (r *Replay, whole bool, err error) {
	t := config.Bundle.Topology()
	opts := dataset.Options{}
	if info, err := os.Stat(ref); err == nil && info.IsDir() {
		// A folder takes from the network what its pictures do not say.
		opts = dataset.Options{Input: t.Input, Classes: t.Classes, Views: t.Views}
	}
	set, err := dataset.Open(ref, opts)
	if err != nil {
		return nil, false, err
	}
	if err := evaluation.CheckFit(t, set); err != nil {
		return nil, false, err
	}
	r = &Replay{asked: config.Split, presence: t.Presence}
	r.list, r.split, err = choose(config.Bundle, set, config.Split)
	if err != nil {
		return nil, false, err
	}
	r.keep(set)
	return r, config.Split != SplitAll && r.split == SplitAll, nil
}

// choose is the samples of a split, and its name. Only the frames of the set are
// looked at.
func choose(b *inference.Bundle, set *dataset.Set, split string) (samples []int, name string, err error) {
	switch split {
	case SplitAll:
		return evaluation.Every(set), SplitAll, nil
	case SplitTest, "":
	default:
		return nil, "", fmt.Errorf("split %q is not known: use %s or %s", split, SplitTest, SplitAll)
	}
	samples, found, err := evaluation.Remembered(b, set, evaluation.Test)
	if err != nil {
		return nil, "", err
	}
	if !found {
		return samples, SplitAll, nil
	}
	return samples, nameOf(samples), nil
}

// nameOf names a test split so that two of one name have the same samples.
func nameOf(samples []int) string {
	h := sha256.New()
	for _, i := range samples {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(i)))
	}
	const enough = 4
	return SplitTest + "-" + hex.EncodeToString(h.Sum(nil)[:enough])
}

// keep takes from the data set what the list needs of it.
func (r *Replay) keep(set *dataset.Set) {
	whole := *set
	whole.Pixels, whole.ViewLabels = nil, nil
	r.whole = &whole
	for v := range set.Views {
		r.kept = append(r.kept, v)
	}
	if len(r.list) == set.Len() {
		r.pixels = set.Pixels // all of it: no copy
		return
	}
	r.pixels = make([]byte, 0, len(r.list)*len(set.Views)*set.Shape().Size())
	for _, i := range r.list {
		for v := range set.Views {
			r.pixels = append(r.pixels, set.View(i, v)...)
		}
	}
}

// Keep drops the pixels of all views but these: a node feeds few of them. A view that
// was dropped is a fault from then on; to have it again, open the source again.
func (r *Replay) Keep(views ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var places []int
	kept := []int{}
	for place, v := range r.kept {
		if slices.Contains(views, v) {
			places, kept = append(places, place), append(kept, v)
		}
	}
	if len(kept) == len(r.kept) {
		return
	}
	size := r.whole.Shape().Size()
	pixels := make([]byte, 0, len(r.list)*len(kept)*size)
	for sample := range r.list {
		for _, place := range places {
			at := (sample*len(r.kept) + place) * size
			pixels = append(pixels, r.pixels[at:at+size]...)
		}
	}
	r.pixels, r.kept = pixels, kept
}

// PixelBytes is what the kept pixels take.
func (r *Replay) PixelBytes() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.pixels)
}

// Pixels is what a view saw of a sample of the list. See [Source].
func (r *Replay) Pixels(ref, view int) (pixels []byte, seen Look, err error) {
	place, ok := slices.BinarySearch(r.list, ref)
	if !ok {
		return nil, Fault, fmt.Errorf("replay %s: sample %d is not one of the %d of split %s", r.whole.Name, ref, len(r.list), r.split)
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	column := slices.Index(r.kept, view)
	if column < 0 {
		return nil, Fault, fmt.Errorf("replay %s: the pixels of view %d are not kept; open the source again", r.whole.Name, view)
	}
	size := r.whole.Shape().Size()
	at := (place*len(r.kept) + column) * size
	pixels = r.pixels[at : at+size : at+size]
	if !r.presence.Present(pixels) {
		return nil, Nothing, nil
	}
	return pixels, Seen, nil
}

// Run waits for the end of ctx: a data set does not change.
func (r *Replay) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Live is false: any beat can be shown at any time.
func (r *Replay) Live() bool { return false }

// Data is the hash of the whole data set.
func (r *Replay) Data() [32]byte { return r.whole.Hash }

// Name is what people call the data set.
func (r *Replay) Name() string { return r.whole.Name }

// Synthetic tells whether the data set was rendered, not photographed.
func (r *Replay) Synthetic() bool { return r.whole.Synthetic }

// Split names the list: "all", or "test-" and digits that differ where the samples do.
func (r *Replay) Split() string { return r.split }

// Len is how many samples the list has.
func (r *Replay) Len() int { return len(r.list) }

// RefAt is the sample that is shown at a beat: its index in the whole data set.
func (r *Replay) RefAt(beat uint64) int { return r.list[beat%uint64(len(r.list))] }

// Has tells whether the list has a sample.
func (r *Replay) Has(ref int) bool {
	_, ok := slices.BinarySearch(r.list, ref)
	return ok
}

// Label is the class of a sample, in the order of the bundle's classes; -1 where the
// data set does not say it, or the list does not have the sample. That the classes are
// the bundle's, Fit has checked.
func (r *Replay) Label(ref int) int {
	if !r.Has(ref) {
		return dataset.NotPresent
	}
	return r.whole.Labels[ref]
}

// Fit checks that a network of this topology can answer the data set.
func (r *Replay) Fit(t *topology.Topology) error {
	if err := evaluation.CheckFit(t, r.whole); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	r.mu.Lock()
	r.presence = t.Presence
	r.mu.Unlock()
	return nil
}

// Matches tells whether the source, opened anew for this bundle, would have the same
// list. Where it would not, nodes that start now replay something else: open it anew.
func (r *Replay) Matches(b *inference.Bundle) bool {
	samples, _, err := choose(b, r.whole, r.asked)
	return err == nil && slices.Equal(samples, r.list)
}
