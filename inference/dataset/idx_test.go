package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// idx is the bytes of an idx file.
func idx(elements []byte, shape ...uint32) []byte {
	file := []byte{0, 0, idxBytes, byte(len(shape))}
	for _, n := range shape {
		file = binary.BigEndian.AppendUint32(file, n)
	}
	return append(file, elements...)
}

func gzipped(tb testing.TB, content []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(content); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// counting is two pictures of which no two pixels of one are alike, and none is black.
func counting(rows, cols int) []byte {
	out := make([]byte, 2*rows*cols)
	for i := range out {
		out[i] = byte(1 + i%251)
	}
	return out
}

// idxFolder is a folder of two training pictures and one for test.
func idxFolder(t *testing.T, pack bool) string {
	t.Helper()
	const rows, cols = 28, 28
	folder := t.TempDir()
	for name, content := range map[string][]byte{
		"train-images-idx3-ubyte": idx(counting(rows, cols), 2, rows, cols),
		"train-labels-idx1-ubyte": idx([]byte{3, 0}, 2),
		"t10k-images-idx3-ubyte":  idx(make([]byte, rows*cols), 1, rows, cols),
		"t10k-labels-idx1-ubyte":  idx([]byte{1}, 1),
	} {
		if pack {
			name, content = name+".gz", gzipped(t, content)
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// The reference implementation cuts 32 x 32 pixels into tiles of 16 rows and 10 columns,
// counted down each column: figures of single tiles are only comparable so.
func TestTilesAreTheReferences(t *testing.T) {
	set, err := Open(Grid{2, 3}.Ref(idxFolder(t, true)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"r0c0", "r1c0", "r0c1", "r1c1", "r0c2", "r1c2"}, set.Views); diff != "" {
		t.Errorf("views (-want +got):\n%s", diff)
	}
	if set.Channels != 1 || set.Rows != 16 || set.Cols != 10 {
		t.Fatalf("tiles of %v, want 1 x 16 x 10", set.Shape())
	}
	pictures := counting(28, 28)
	for sample := range 2 {
		// As the reference does it: pad, then slice.
		var padded [32][32]byte
		for y := range 28 {
			copy(padded[y+2][2:], pictures[(sample*28+y)*28:][:28])
		}
		view := 0
		for c := range 3 {
			for r := range 2 {
				var want []byte
				for y := r * 16; y < (r+1)*16; y++ {
					want = append(want, padded[y][c*10:(c+1)*10]...)
				}
				if !bytes.Equal(set.View(sample, view), want) {
					t.Errorf("sample %d: tile %d is not rows %d.. and columns %d..", sample, view, r*16, c*10)
				}
				view++
			}
		}
	}
	if diff := cmp.Diff([]int{3, 0, 1}, set.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if !slices.Equal(set.ViewLabels[:6], []int{3, 3, 3, 3, 3, 3}) || set.ViewLabel(2, 0) != NotPresent {
		t.Errorf("view labels %v: a tile without ink has nothing in view", set.ViewLabels)
	}
	if set.TestFrames.String() != "2" || !slices.Equal(set.Classes, []string{"0", "1", "2", "3"}) {
		t.Errorf("test frames %s, classes %v", set.TestFrames, set.Classes)
	}
}

// What is packed and what is not are the same data.
func TestIDXPackedOrNot(t *testing.T) {
	packed, err := Open(idxFolder(t, true), Options{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Open(idxFolder(t, false), Options{Classes: []string{"a", "b", "c", "d"}})
	if err != nil {
		t.Fatal(err)
	}
	if packed.Hash != plain.Hash {
		t.Error("the hashes differ")
	}
	if len(plain.Views) != 1 || plain.Rows != 32 || plain.Classes[3] != "d" {
		t.Errorf("%d views of %v, classes %v; want the whole picture", len(plain.Views), plain.Shape(), plain.Classes)
	}
	alone, err := Open(filepath.Join(idxFolder(t, false), "train-images-idx3-ubyte"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if alone.Len() != 2 || len(alone.TestFrames) != 0 {
		t.Errorf("one part alone: %d samples, test frames %s", alone.Len(), alone.TestFrames)
	}
}

// A published test part is the test part, unless somebody names another.
func TestSplitTakesThePublishedTest(t *testing.T) {
	set := timeline(t, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	set.TestFrames = FrameRanges{{7, 9}}
	split, err := set.Split(SplitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(split.Test, []int{7, 8, 9}) {
		t.Errorf("test samples %v, want 7 to 9", split.Test)
	}
	if split, err = set.Split(SplitOptions{Test: FrameRanges{{0, 1}}}); err != nil || !slices.Equal(split.Test, []int{0, 1}) {
		t.Errorf("test samples %v, %v; want 0 and 1", split.Test, err)
	}
}

// No grid may lose ink: what does not divide is filled up, not cut off.
func TestTilesLoseNoInk(t *testing.T) {
	for rows := 8; rows <= 40; rows++ {
		for parts := 1; parts <= 6; parts++ {
			cut := newTiling(Grid{parts, 1}, rows, 9)
			if cut.rows*parts < rows+tileMargin {
				t.Errorf("%d rows in %d parts of %d: the last %d are lost", rows, parts, cut.rows, rows+tileMargin-cut.rows*parts)
			}
		}
	}
}

// A damaged file must be told as such, in one line that names it, and never read past its
// end.
func TestIDXFaults(t *testing.T) {
	images, labels := idx(counting(28, 28), 2, 28, 28), idx([]byte{1, 0}, 2)
	huge := idx(nil, 1<<31, 1<<31, 1<<31)
	tests := []struct {
		name           string
		images, labels []byte
		grid           string
		want           string
	}{
		{"cut short", images[:len(images)-1], labels, "2x3", "ends after 1567 of 1568 elements"},
		{"cut within the head", images[:9], labels, "2x3", "within its dimensions"},
		{"empty", nil, labels, "2x3", "too short"},
		{"too long", append(slices.Clone(images), 7), labels, "2x3", "more behind"},
		{"other magic", append([]byte("PNG!"), images[4:]...), labels, "2x3", "no idx file"},
		{"floats", append([]byte{0, 0, 0x0d}, images[3:]...), labels, "2x3", "unsigned bytes"},
		{"labels as pictures", labels, labels, "2x3", "1 dimensions, want 3"},
		{"too large", huge, labels, "2x3", "more than"},
		{"claims more than it holds", idx(nil, 1000, 1000, 1000), labels, "2x3", "cannot hold"},
		{"no samples", idx(nil, 0, 28, 28), labels, "2x3", "empty"},
		{"fewer labels", images, idx([]byte{1}, 1), "2x3", "2 pictures but"},
		{"packed and damaged", gzipped(t, images)[:200], labels, "2x3", "ends after"},
		{"packed, its checksum wrong", flipped(gzipped(t, images)), labels, "2x3", "damaged"},
		{"one class", images, idx([]byte{1, 1}, 2), "2x3", "second class"},
		{"tiles too small", images, labels, "8x8", ""},
		{"smaller than a view may be", idx(counting(8, 8), 2, 8, 8), labels, "8x8", "rows and"},
		{"no grid", images, labels, "2by3", `"2by3" is no grid`},
		{"too many tiles", images, labels, "9x9", "is no grid"},
		{"no tile", images, labels, "0x3", "is no grid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			for name, content := range map[string][]byte{"train-images-idx3-ubyte": tt.images, "train-labels-idx1-ubyte": tt.labels} {
				if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Open("tiles:"+tt.grid+":"+folder, Options{})
			if (err == nil) != (tt.want == "") {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("error %q is not one line with %q", err, tt.want)
			}
		})
	}
	folder := idxFolder(t, false)
	if err := os.Remove(filepath.Join(folder, "train-labels-idx1-ubyte")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, Options{}); err == nil || !strings.Contains(err.Error(), "train-labels-idx1-ubyte") {
		t.Errorf("without labels: error %v", err)
	}
	if _, err := Open("tiles:2x3:"+t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "only idx files") {
		t.Errorf("tiles of a folder of pictures: error %v", err)
	}
	if _, err := Open("tiles:2x3:", Options{}); err == nil || !strings.Contains(err.Error(), "names no file") {
		t.Errorf("tiles of nothing: error %v", err)
	}
}

// Whoever asks for the views of a network has given no names: what is missing is the grid.
func TestIDXAsksForAGrid(t *testing.T) {
	folder, views := idxFolder(t, false), []string{"a", "b", "c", "d", "e", "f"}
	for ref, want := range map[string]string{folder: "a grid of 1x1 are 1 views, and 6 are wanted", Grid{2, 2}.Ref(folder): "a grid of 2x2 are 4 views, and 6 are wanted"} {
		_, err := Open(ref, Options{Views: views})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--grid") {
			t.Errorf("error %v, want %q and --grid", err, want)
		}
	}
	if set, err := Open(Grid{2, 3}.Ref(folder), Options{Views: views}); err != nil || set.Views[5] != "f" {
		t.Errorf("with a grid: %v", err)
	}
}

// flipped is a packed file with a wrong checksum.
func flipped(packed []byte) []byte {
	packed = slices.Clone(packed)
	packed[len(packed)-8] ^= 1
	return packed
}

// A grid is read as it is written.
func TestParseGrid(t *testing.T) {
	for text, want := range map[string]Grid{"2x3": {2, 3}, " 1X1 ": {1, 1}, "8x8": {8, 8}} {
		if got, err := ParseGrid(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "2x", "-1x3", "2x3x4", "99999999999999999999x1", "65x1"} {
		if got, err := ParseGrid(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

// The files of MNIST, as their description has them.
func TestRealMNIST(t *testing.T) {
	dir := os.Getenv("GANGLION_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	folder := filepath.Join(dir, "mnist")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("mnist is absent; set GANGLION_DATA to the folder that has it")
	}
	if testing.Short() {
		t.Skip("70,000 pictures take a while")
	}
	set, err := Open(filepath.Join(folder, "t10k-images-idx3-ubyte.gz"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}
	if diff := cmp.Diff(want, set.ClassCounts()); diff != "" {
		t.Errorf("digits of the test part (-want +got):\n%s", diff)
	}
}

// spent is how many bytes a function allocates.
func spent(of func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	of()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// openingBytes is more than opening any folder takes beside its elements: buffers of two
// files and of gzip, names, errors.
const openingBytes = 1 << 20

// What the header alone shows to be of no use must be refused before anything is unpacked: a
// small file can hold a gigabyte of black.
func TestIDXRefusesByTheHeader(t *testing.T) {
	const side, most = 1 << 12, MaxPixelBytes / 25 // a picture of one pixel is a view of 5 x 5
	black := make([]byte, most+1)
	for _, tt := range []struct {
		name           string
		images, labels []byte
		want           string
	}{
		{"views too large", idx(black[:side*side], 1, side, side), idx([]byte{1}, 1), "rows and"},
		{"too many pixels once cut", idx(black, most+1, 1, 1), idx([]byte{1}, 1), "exceed"},
		{"labels without pictures", idx(counting(28, 28), 2, 28, 28), idx(black[:side*side], side*side), "2 pictures but"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			for name, content := range map[string][]byte{"train-images-idx3-ubyte.gz": tt.images, "train-labels-idx1-ubyte.gz": tt.labels} {
				if err := os.WriteFile(filepath.Join(folder, name), gzipped(t, content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			got := spent(func() { _, err = Open(folder, Options{}) })
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if got > openingBytes {
				t.Errorf("%d bytes were allocated for what the header refuses, want at most %d", got, openingBytes)
			}
		})
	}
}

// headOf is the shape that a file tells, packed or not; nil: it tells none that is read.
func headOf(file []byte, dims int) []int {
	r := io.Reader(bytes.NewReader(file))
	if bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
		packed, err := gzip.NewReader(r)
		if err != nil {
			return nil
		}
		r = packed
	}
	shape, _, err := readIDXHeader(r, dims)
	if err != nil {
		return nil
	}
	return shape
}

// worth is the most bytes that opening two files may take: by the elements that they can
// hold, and by the set that they make, if their shapes may make one.
func worth(images, labels []byte, grid Grid) uint64 {
	shape, count := headOf(images, idxImageDims), headOf(labels, idxLabelDims)
	if shape == nil {
		return openingBytes
	}
	cut := newTiling(grid, shape[1], shape[2])
	if checkShape(shape[0], grid.Views(), cut.shape()) != nil {
		return openingBytes
	}
	const grown = 4 // a buffer that doubles, and is copied once more
	n, views := uint64(shape[0]), uint64(grid.Views())
	elements := n * uint64(shape[1]*shape[2])
	arrive := min(elements, maxRatio*uint64(len(images)))
	if count == nil || count[0] != shape[0] || arrive < elements || n > maxRatio*uint64(len(labels)) {
		return openingBytes + grown*(arrive+n)
	}
	const perView, perSample = 8, 16 // a label; a label and a frame
	return openingBytes + grown*(arrive+n+n*(views*(uint64(cut.shape().Size())+perView)+perSample))
}

// Whatever a file holds, it must not take more memory than it is worth, nor make a set
// that breaks what the package guarantees.
func FuzzIDX(f *testing.F) {
	images, labels := idx(counting(28, 28), 2, 28, 28), idx([]byte{1, 0}, 2)
	f.Add(images, labels, "2x3")
	f.Add(gzipped(f, images), gzipped(f, labels), "1x1")
	f.Add(idx(nil, 1<<30, 1, 1), labels, "3x2")
	f.Add(idx([]byte{1, 2}, 2, 1, 1), idx([]byte{255, 0}, 2), "1x2")
	f.Add(gzipped(f, idx(make([]byte, 2<<20), 2, 1024, 1024)), labels, "1x1")
	f.Add(gzipped(f, idx(make([]byte, 1<<18), 1<<10, 16, 16)), gzipped(f, idx(make([]byte, 1<<10), 1<<10)), "2x2")
	f.Add(images, gzipped(f, idx(make([]byte, 2<<20), 2<<20)), "1x1")
	f.Fuzz(func(t *testing.T, images, labels []byte, text string) {
		grid, err := ParseGrid(text)
		if err != nil {
			return
		}
		folder := t.TempDir()
		for name, content := range map[string][]byte{"t10k-images-idx3-ubyte.gz": images, "t10k-labels-idx1-ubyte.gz": labels} {
			if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var set *Set
		got := spent(func() { set, err = Open(grid.Ref(folder), Options{}) })
		if most := worth(images, labels, grid); got > most {
			t.Errorf("%d bytes were allocated for files of %d and %d, want at most %d", got, len(images), len(labels), most)
		}
		if err != nil {
			return
		}
		if err := set.check(); err != nil {
			t.Errorf("a set was accepted that is faulty: %v", err)
		}
	})
}
