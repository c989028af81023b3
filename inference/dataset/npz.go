package dataset

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"math"

	"ganglion/inference/topology"
)

// The arrays of an npz data set.
const (
	arrayX     = "X"     // uint8 or float32 [sample, view, channel, row, col]
	arrayY     = "y"     // integers [sample, view]
	arrayLabel = "label" // integers [sample]; may be absent
	arrayFrame = "frame" // integers [sample]; may be absent
)

// multiCamera is the layout of the street data sets of six cameras; a file of
// this layout has the classes car, bus and person unless told otherwise.
var (
	multiCamera        = topology.Shape{Channels: 3, Rows: 32, Cols: 32}
	multiCameraClasses = []string{"car", "bus", "person"}
)

const multiCameraViews = 6

// decodeNPZ reads a data set from an npz file of the given size. Nothing is
// allocated on the word of the file that the size of the file does not bear out.
func decodeNPZ(r io.ReaderAt, size int64, name string, opts Options) (*Set, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("it is no npz (zip) file, or it is cut short (%w); copy or download it again", err)
	}
	a, err := openArrays(archive, size)
	if err != nil {
		return nil, err
	}
	defer a.close()

	shape := a.x.shape
	set := Set{
		Name:  name,
		Views: opts.Views, Channels: shape[2], Rows: shape[3], Cols: shape[4],
	}
	samples, views := shape[0], shape[1]
	if err := checkShape(samples, views, set.Shape()); err != nil {
		return nil, err
	}
	if len(set.Views) == 0 {
		set.Views = DefaultViews(views)
	} else if len(set.Views) != views {
		return nil, fmt.Errorf("it has %d views but %d view names were given; name every view, in order", views, len(set.Views))
	}
	codes := labelCodes{views: views}
	if codes.y, err = a.y.ints(); err != nil {
		return nil, err
	}
	if codes.label, err = a.label.ints(); err != nil {
		return nil, err
	}
	if set.Frames, err = a.frame.ints(); err != nil {
		return nil, err
	}
	if set.Frames == nil {
		set.Frames = sequence(samples)
	}
	if set.Pixels, err = a.x.pixels(); err != nil {
		return nil, err
	}
	set.Classes = opts.Classes
	if len(set.Classes) == 0 && views == multiCameraViews && set.Shape() == multiCamera {
		set.Classes = multiCameraClasses
	}
	if len(set.Classes) == 0 {
		classes := codes.classes(set.Pixels)
		if err := checkClasses(classes); err != nil { // before that many names are made
			return nil, err
		}
		set.Classes = numberedNames("", classes)
	}
	if err := codes.fill(&set); err != nil {
		return nil, err
	}
	return New(set)
}

// arrays are the opened members of one npz file. label and frame may be nil.
type arrays struct {
	x, y, label, frame *array
}

func (a *arrays) close() {
	for _, m := range []*array{a.x, a.y, a.label, a.frame} {
		if m != nil {
			m.close()
		}
	}
}

// openArrays opens the members and checks their types, ranks and lengths.
func openArrays(archive *zip.Reader, size int64) (a *arrays, err error) {
	a = &arrays{}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	for _, m := range []struct {
		name     string
		into     **array
		rank     int
		optional bool
	}{
		{arrayX, &a.x, 5, false},
		{arrayY, &a.y, 2, false},
		{arrayLabel, &a.label, 1, true},
		{arrayFrame, &a.frame, 1, true},
	} {
		*m.into, err = openArray(archive, size, m.name)
		if errors.Is(err, errNoArray) && m.optional {
			continue
		}
		if err != nil {
			return a, err
		}
		if got := len((*m.into).shape); got != m.rank {
			return a, fmt.Errorf("array %s has %d axes %v, want %d: %s; reshape it", m.name, got, (*m.into).shape, m.rank, axesOf[m.rank])
		}
	}
	if !a.x.isPixels() {
		return a, fmt.Errorf("array X is %s, want uint8 (|u1) or float32 (<f4) in 0..1; convert it with astype", a.x.dtype)
	}
	for _, m := range []*array{a.y, a.label, a.frame} {
		switch {
		case m == nil:
		case !m.isInts():
			return a, fmt.Errorf("array %s is %s, want little-endian integers such as int32 (<i4); convert it with astype", m.name, m.dtype)
		case m.shape[0] != a.x.shape[0]:
			return a, fmt.Errorf("array %s has %d samples but X has %d; write both from the same list", m.name, m.shape[0], a.x.shape[0])
		case len(m.shape) == 2 && m.shape[1] != a.x.shape[1]:
			return a, fmt.Errorf("array %s has %d views but X has %d; write both from the same list", m.name, m.shape[1], a.x.shape[1])
		}
	}
	return a, nil
}

var axesOf = map[int]string{1: "sample", 2: "sample, view", 5: "sample, view, channel, row, column"}

// labelCodes are the labels as a file has them: classes count from zero, and
// the number of classes itself stands for "not present".
type labelCodes struct {
	views int
	y     []int // [sample, view]
	label []int // [sample], or nil
}

// classes infers the number of classes of a file that names none. The largest
// code is "not present" if and only if some view has it, every view that has it
// is all zeros, and no sample with something in view is labelled with it.
func (c labelCodes) classes(pixels []byte) int {
	top := 0
	for _, code := range c.y {
		top = max(top, code)
	}
	for _, code := range c.label {
		top = max(top, code)
	}
	if top > topology.MaxClasses { // too many either way; one more may be more than an int holds
		return min(top, math.MaxInt32-1) + 1
	}
	size := len(pixels) / len(c.y)
	absent := false
	for i, code := range c.y {
		if code == top {
			absent = true
			if topology.Nonzero.Present(pixels[i*size : (i+1)*size]) {
				return top + 1
			}
		}
	}
	for i, code := range c.label {
		if code == top && majority(c.y[i*c.views:(i+1)*c.views], top) != top {
			return top + 1
		}
	}
	if absent {
		return top
	}
	return top + 1
}

func checkClasses(n int) error {
	if n > topology.MaxClasses {
		return fmt.Errorf("its labels say %d classes, want at most %d; number the classes from 0 without gaps", n, topology.MaxClasses)
	}
	return nil
}

// fill fills in the labels of the set.
func (c labelCodes) fill(set *Set) error {
	classes := len(set.Classes)
	if err := checkClasses(classes); err != nil {
		return err
	}
	set.ViewLabels = make([]int, len(c.y))
	for i, code := range c.y {
		if code < 0 || code > classes {
			return fmt.Errorf("the label of view %d of sample %d in array y is %d, want 0 to %d, or %d for not present; correct it or name the classes",
				i%c.views, i/c.views, code, classes-1, classes)
		}
		set.ViewLabels[i] = orNotPresent(code, classes)
	}
	set.Labels = make([]int, len(c.y)/c.views)
	for i := range set.Labels {
		common := majority(c.y[i*c.views:(i+1)*c.views], classes)
		if c.label == nil {
			set.Labels[i] = orNotPresent(common, classes)
			continue
		}
		code := c.label[i]
		if code < 0 || code > classes || code == classes && common != classes {
			return fmt.Errorf("the label of sample %d in array label is %d, want 0 to %d; correct it or name the classes", i, code, classes-1)
		}
		set.Labels[i] = orNotPresent(code, classes)
	}
	return nil
}

func orNotPresent(code, classes int) int {
	if code == classes {
		return NotPresent
	}
	return code
}

// majority is the most frequent code below absent, the lowest on ties, or absent
// where there is none.
func majority(codes []int, absent int) int {
	best, most := absent, 0
	for _, code := range codes {
		if code < 0 || code >= absent {
			continue
		}
		count := 0
		for _, other := range codes {
			if other == code {
				count++
			}
		}
		if count > most || count == most && code < best {
			best, most = code, count
		}
	}
	return best
}

func sequence(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
