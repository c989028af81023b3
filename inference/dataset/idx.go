package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ganglion/inference/topology"
)

// An idx file (LeCun, Cortes, Burges, The MNIST database) is two zero bytes, a byte for
// the type of its elements, a byte for the number of its dimensions, each dimension as
// a 32-bit big-endian number, and the elements.
const (
	idxBytes     = 8 // the type of unsigned bytes, which all data sets of pictures have
	idxImageDims = 3 // sample, row, column
	idxLabelDims = 1 // sample
)

// idxPair is the two files of a part of a data set.
type idxPair struct {
	images, labels string
}

// idxParts are the parts that a folder may have, as their files begin.
var idxParts = []string{"train", "t10k"}

// idxNames are what the files of a part may be called behind its name.
var idxNames = []struct{ images, labels string }{
	{"-images-idx3-ubyte", "-labels-idx1-ubyte"},
	{"-images.idx3-ubyte", "-labels.idx1-ubyte"},
}

// idxPairs finds the parts that a folder has, or the one part whose images a file
// holds. None is no error.
func idxPairs(path string, isFolder bool) []idxPair {
	var pairs []idxPair
	if !isFolder {
		for _, names := range idxNames {
			if before, after, found := strings.Cut(filepath.Base(path), names.images); found {
				pairs = append(pairs, idxPair{path, filepath.Join(filepath.Dir(path), before+names.labels+after)})
			}
		}
		return pairs
	}
	for _, part := range idxParts {
	search:
		for _, names := range idxNames {
			for _, ending := range []string{"", ".gz"} {
				images := filepath.Join(path, part+names.images+ending)
				if info, err := os.Stat(images); err == nil && info.Mode().IsRegular() {
					pairs = append(pairs, idxPair{images, filepath.Join(path, part+names.labels+ending)})
					break search
				}
			}
		}
	}
	return pairs
}

// openIDX reads pictures and their labels, and cuts each picture into tiles. Of a
// folder with both parts the second is the published test part.
func openIDX(pairs []idxPair, name string, grid Grid, opts Options) (*Set, error) {
	if err := grid.check(); err != nil {
		return nil, err
	}
	if n := len(opts.Views); n > 0 && n != grid.Views() {
		return nil, fmt.Errorf("its pictures in a grid of %s are %d views, and %d are wanted (%s); cut them into as many tiles with --grid, as 2x3, or name every tile, in order",
			grid, grid.Views(), n, firstNames(opts.Views))
	}
	set := Set{Name: name}
	var cut tiling
	for i, pair := range pairs {
		count := 0
		pictures, err := readIDXFile(pair.images, idxImageDims, func(shape []int) error {
			here := newTiling(grid, shape[1], shape[2])
			if i > 0 && here != cut {
				return fmt.Errorf("%s has pictures of %d x %d, %s of another size; they belong to different data sets", filepath.Base(pair.images), shape[1], shape[2], filepath.Base(pairs[0].images))
			}
			count, cut = shape[0], here
			return checkShape(set.Len()+count, grid.Views(), cut.shape())
		})
		if err != nil {
			return nil, err
		}
		labels, err := readIDXFile(pair.labels, idxLabelDims, func(shape []int) error {
			if shape[0] != count {
				return fmt.Errorf("%s has %d pictures but %s has %d labels; they belong to different files", filepath.Base(pair.images), count, filepath.Base(pair.labels), shape[0])
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		first := set.Len()
		set.add(cut, pictures, labels)
		if i > 0 {
			set.TestFrames = FrameRanges{{first, set.Len() - 1}}
		}
	}
	set.Channels, set.Rows, set.Cols = 1, cut.rows, cut.cols
	set.Frames = sequence(set.Len())
	return set.named(grid, opts)
}

// add appends pictures, cut into tiles. A tile without ink has nothing in view.
func (s *Set) add(cut tiling, pictures, labels []byte) {
	size := cut.pictureRows * cut.pictureCols
	s.Pixels = slices.Grow(s.Pixels, len(labels)*cut.grid.Views()*cut.rows*cut.cols)
	for i, label := range labels {
		s.Labels = append(s.Labels, int(label))
		for v := range cut.grid.Views() {
			from := len(s.Pixels)
			s.Pixels = cut.tile(s.Pixels, pictures[i*size:(i+1)*size], v)
			seen := int(label)
			if !topology.Nonzero.Present(s.Pixels[from:]) {
				seen = NotPresent
			}
			s.ViewLabels = append(s.ViewLabels, seen)
		}
	}
}

// named gives the set its names, and checks it.
func (s *Set) named(grid Grid, opts Options) (*Set, error) {
	s.Views, s.Classes = opts.Views, opts.Classes
	if len(s.Views) == 0 {
		s.Views = grid.names()
	}
	if len(s.Classes) == 0 {
		s.Classes = numberedNames("", slices.Max(s.Labels)+1)
	}
	return New(*s)
}

// firstNames lists names, the first few of many.
func firstNames(names []string) string {
	const shown = 8
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + ", .."
	}
	return strings.Join(names, ", ")
}

// refusal is an error about what a file of idx has, not about the file: it stands for
// itself.
type refusal struct{ error }

// readIDXFile reads a file of unsigned bytes with so many dimensions, which may be
// packed with gzip. accept is asked for its shape before an element is read, and says
// why it is not wanted.
func readIDXFile(path string, dims int, accept func(shape []int) error) ([]byte, error) {
	name := filepath.Base(path)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("look at %s: %w; pictures and labels belong side by side", name, pathless(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file; copy it to one", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, pathless(err))
	}
	defer f.Close()
	elements, err := decodeIDX(f, info.Size(), dims, accept)
	if unwanted := (refusal{}); errors.As(err, &unwanted) {
		return nil, unwanted.error
	}
	if err != nil {
		return nil, fmt.Errorf("file %s: %w; copy or download it again", name, err)
	}
	return elements, nil
}

// decodeIDX reads an idx file of the given size in bytes, if accept takes its shape; its
// error is a refusal. Memory is taken as elements arrive, not on the word of the file.
func decodeIDX(file io.Reader, size int64, dims int, accept func(shape []int) error) ([]byte, error) {
	buffered := bufio.NewReader(file)
	r, most := io.Reader(buffered), size
	if start, _ := buffered.Peek(2); bytes.Equal(start, []byte{0x1f, 0x8b}) {
		packed, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("it is packed with gzip but damaged (%w)", err)
		}
		defer packed.Close()
		r, most = packed, size*maxRatio
	}
	shape, count, err := readIDXHeader(r, dims)
	if err != nil {
		return nil, err
	}
	if count > most || count > MaxPixelBytes {
		return nil, fmt.Errorf("it says that it has %d elements, which %d bytes cannot hold, or more than %d MiB", count, size, MaxPixelBytes>>20)
	}
	if err := accept(shape); err != nil {
		return nil, refusal{err}
	}
	var content bytes.Buffer
	if _, err := io.CopyN(&content, r, count); err != nil {
		return nil, fmt.Errorf("it ends after %d of %d elements (%w)", content.Len(), count, cutShort(err))
	}
	// The end of a packed file carries its checksum.
	if n, err := io.ReadFull(r, make([]byte, 1)); n > 0 {
		return nil, fmt.Errorf("there is more behind its %d elements", count)
	} else if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("its end is damaged (%w)", err)
	}
	return content.Bytes(), nil
}

// readIDXHeader reads the dimensions, and how many elements they make.
func readIDXHeader(r io.Reader, dims int) (shape []int, count int64, err error) {
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, 0, fmt.Errorf("it is too short for an idx file (%w)", cutShort(err))
	}
	if magic[0] != 0 || magic[1] != 0 || magic[2] != idxBytes {
		return nil, 0, fmt.Errorf("it is no idx file of unsigned bytes: it starts with % x, want 00 00 08", magic[:3])
	}
	if int(magic[3]) != dims {
		return nil, 0, fmt.Errorf("it has %d dimensions, want %d: pictures have 3 and labels have 1", magic[3], dims)
	}
	count = 1
	for range dims {
		var size [4]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return nil, 0, fmt.Errorf("it ends within its dimensions (%w)", cutShort(err))
		}
		n := binary.BigEndian.Uint32(size[:])
		if n == 0 || n > MaxPixelBytes || count > MaxPixelBytes/int64(n) {
			return nil, 0, fmt.Errorf("its dimensions %v x %d are empty, or more than %d MiB", shape, n, MaxPixelBytes>>20)
		}
		shape, count = append(shape, int(n)), count*int64(n)
	}
	return shape, count, nil
}

// cutShort says what it means that a file ends.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
