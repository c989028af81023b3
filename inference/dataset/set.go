package dataset

import (
	"fmt"
	"strconv"
	"strings"

	"ganglion/inference/topology"
)

// NotPresent is the label of a view that has nothing of its sample in view.
const NotPresent = -1

// MaxPixelBytes is the largest amount of pixels that a set may hold.
const MaxPixelBytes = 1 << 30

// Set is a labelled data set of multi-view samples, in memory. It is immutable
// after it was read, and safe for use by any number of goroutines.
type Set struct {
	Name      string   // "street", or the base name of the file or folder
	Classes   []string // class names, in the order of the labels
	Views     []string // view names, in the order of the view axis
	Channels  int      // channels of a view
	Rows      int      // rows of a view
	Cols      int      // columns of a view
	Synthetic bool     // rendered, not photographed

	Pixels     []byte // [sample, view, channel, row, col]; a view with nothing in view is all zeros
	ViewLabels []int  // [sample, view]: a class, or NotPresent
	Labels     []int  // [sample]: the sample's class, or NotPresent where nothing says it
	Frames     []int  // [sample]: the moment, in time order; neighbours are near-duplicates

	// TestFrames is the test part that was published with the data, which Split takes if
	// it is given no other. Empty: none was. It is no part of the Hash.
	TestFrames FrameRanges

	Hash [32]byte // SHA-256 of the content; see Set.Hash's definition in doc.go
}

// New checks a set that was filled in by hand against everything that the
// package guarantees, computes its Hash, and returns it. The slices are taken
// over: they must not be written to afterwards.
func New(s Set) (*Set, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	s.Hash = s.contentHash()
	return &s, nil
}

// Len is the number of samples.
func (s *Set) Len() int { return len(s.Labels) }

// View returns the pixels of one view of one sample, [channel, row, col]. The
// slice aliases the set and must not be written to.
func (s *Set) View(sample, view int) []byte {
	size := s.Channels * s.Rows * s.Cols
	at := (sample*len(s.Views) + view) * size
	return s.Pixels[at : at+size : at+size]
}

// ViewLabel is the label of one view of one sample.
func (s *Set) ViewLabel(sample, view int) int {
	return s.ViewLabels[sample*len(s.Views)+view]
}

// Shape is the shape of one view.
func (s *Set) Shape() topology.Shape {
	return topology.Shape{Channels: s.Channels, Rows: s.Rows, Cols: s.Cols}
}

// ClassCounts is the number of samples of each class, in the order of Classes.
func (s *Set) ClassCounts() []int {
	counts := make([]int, len(s.Classes))
	for _, label := range s.Labels {
		if label != NotPresent {
			counts[label]++
		}
	}
	return counts
}

// ViewIndex finds a view by its name or, where no view has that name, by its
// number, counted from zero.
func (s *Set) ViewIndex(ref string) (int, error) {
	for v, name := range s.Views {
		if name == ref {
			return v, nil
		}
	}
	if v, err := strconv.Atoi(ref); err == nil && v >= 0 && v < len(s.Views) {
		return v, nil
	}
	return 0, fmt.Errorf("find view %q in data set %s: no such view; name one of %s, or a number from 0 to %d",
		ref, s.Name, strings.Join(s.Views, ", "), len(s.Views)-1)
}

// SelectViews makes the set of the same samples that has the given views alone,
// in the given order. Samples keep their labels and frames, also those that
// have nothing in any view that is left. The hash is that of the new content.
func (s *Set) SelectViews(views []int) (*Set, error) {
	taken := make(map[int]bool, len(views))
	for _, v := range views {
		if v < 0 || v >= len(s.Views) {
			return nil, fmt.Errorf("select views of data set %s: there is no view %d; number them from 0 to %d", s.Name, v, len(s.Views)-1)
		}
		if taken[v] {
			return nil, fmt.Errorf("select views of data set %s: view %s is listed twice; list each view once", s.Name, s.Views[v])
		}
		taken[v] = true
	}
	if len(views) == 0 {
		return nil, fmt.Errorf("select views of data set %s: no view is listed; list at least one", s.Name)
	}
	out := *s
	out.Views = make([]string, 0, len(views))
	for _, v := range views {
		out.Views = append(out.Views, s.Views[v])
	}
	out.Pixels = make([]byte, 0, s.Len()*len(views)*s.Shape().Size())
	out.ViewLabels = make([]int, 0, s.Len()*len(views))
	for i := range s.Len() {
		for _, v := range views {
			out.Pixels = append(out.Pixels, s.View(i, v)...)
			out.ViewLabels = append(out.ViewLabels, s.ViewLabel(i, v))
		}
	}
	out.Hash = out.contentHash()
	return &out, nil
}
