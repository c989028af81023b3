package dataset

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ganglion/inference/topology"

	"github.com/google/go-cmp/cmp"
)

// plain is a picture of one colour.
func plain(width, height int, c color.Color) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, c)
		}
	}
	return img
}

func pngOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// plant writes files, by path under a new folder; content nil is a folder.
func plant(t *testing.T, files map[string][]byte) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "pictures")
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		dir := filepath.Dir(path)
		if content == nil {
			dir = path
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if content == nil {
			continue
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// The order of samples, views and classes, the frames and what is not present
// come from names and files alone.
func TestFolder(t *testing.T) {
	gray := func(v uint8) []byte { return pngOf(t, plain(9, 7, color.Gray{v})) }
	root := plant(t, map[string][]byte{
		"dog/10/cam2.png":     gray(40),
		"dog/10/cam10.PNG":    gray(50),
		"dog/9/cam2.png":      gray(60),
		"cat/9/cam10.png":     gray(70),
		"cat/9/cam2.png":      gray(0), // a covered lens
		"cat/11":              nil,     // nobody saw it
		"cat/9/.hidden":       []byte("passed over"),
		".cache/1/cam2.png":   []byte("passed over"),
		"README":              []byte("passed over"),
		"dog/notes.txt":       []byte("passed over"),
		"dog/.thumbs/cam.png": []byte("passed over"),
	})
	got, err := Open(root, Options{Input: topology.Shape{Channels: 1, Rows: 4, Cols: 4}})
	if err != nil {
		t.Fatal(err)
	}
	var pixels []byte
	for _, v := range []byte{0, 70, 60, 0, 40, 50, 0, 0} {
		pixels = append(pixels, bytes.Repeat([]byte{v}, 16)...)
	}
	want, err := New(Set{
		Name: "pictures", Classes: []string{"cat", "dog"}, Views: []string{"cam2", "cam10"},
		Channels: 1, Rows: 4, Cols: 4, Pixels: pixels,
		ViewLabels: []int{NotPresent, 0, 1, NotPresent, 1, 1, NotPresent, NotPresent},
		Labels:     []int{0, 1, 1, 0}, Frames: []int{9, 9, 10, 11},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// Named classes and views keep their place, whatever files there are.
	named, err := Open(root, Options{Classes: []string{"dog", "cow", "cat"}, Views: []string{"cam10", "cam1", "cam2"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := named.Shape(), (topology.Shape{Channels: 3, Rows: 32, Cols: 32}); got != want {
		t.Errorf("default shape is %v, want %v", got, want)
	}
	if diff := cmp.Diff([]int{0, 2, 0, 2}, named.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{NotPresent, NotPresent, 0, 2}, named.ViewLabels[:4]); diff != "" {
		t.Errorf("view labels (-want +got):\n%s", diff)
	}
}

// Names that are no numbers are ranked, over all classes.
func TestFolderFramesByRank(t *testing.T) {
	picture := pngOf(t, plain(8, 8, color.White))
	root := plant(t, map[string][]byte{
		"a/clip2/v.png": picture, "b/clip10/v.png": picture, "a/clip10/v.png": picture, "b/clip1/v.png": picture,
	})
	set, err := Open(root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 2}, set.Frames); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{1, 0, 0, 1}, set.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// claimed is the start of a png that says it is huge.
func claimed(width, height uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	file := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), uint32(len(chunk)-4))
	return binary.BigEndian.AppendUint32(append(file, chunk...), crc32.ChecksumIEEE(chunk))
}

// Every fault of a folder names the file.
func TestFolderFaults(t *testing.T) {
	picture := pngOf(t, plain(8, 8, color.White))
	rows := []struct {
		name  string
		files map[string][]byte
		opts  Options
		want  string
	}{
		{"empty", map[string][]byte{"README": picture}, Options{}, "no folders class/sample"},
		{"pictures in the root", map[string][]byte{"a.png": picture}, Options{}, "a.png is not in a sample folder"},
		{"pictures in a class", map[string][]byte{"a/1.jpg": picture}, Options{}, "1.jpg is not in a sample folder"},
		{"no picture", map[string][]byte{"a/1/v.png": []byte("hello")}, Options{}, "v.png is no png or jpeg"},
		{"an empty picture", map[string][]byte{"a/1/v.png": {}}, Options{}, "v.png is no png or jpeg"},
		{"a picture cut short", map[string][]byte{"a/1/v.png": picture[:len(picture)-20]}, Options{}, "v.png is damaged"},
		{"a picture that claims to be huge", map[string][]byte{"a/1/v.png": claimed(10000, 10000)}, Options{}, "10000 x 10000 pixels"},
		{"a folder for a picture", map[string][]byte{"a/1/v.png/x": {}}, Options{}, "v.png is not a regular file"},
		{"another format", map[string][]byte{"a/1/v.bmp": picture}, Options{}, "v.bmp is no picture"},
		{"a view twice", map[string][]byte{"a/1/v.png": picture, "a/1/v.jpg": picture}, Options{}, "are the same view"},
		{"no views", map[string][]byte{"a/1": nil, "b/2": nil}, Options{}, "0 views"},
		{"one class", map[string][]byte{"a/1/v.png": picture}, Options{}, "of 1 class"},
		{"another class", map[string][]byte{"a/1/v.png": picture}, Options{Classes: []string{"b"}}, "folder a is none of the classes b"},
		{"another view", map[string][]byte{"a/1/v.png": picture}, Options{Views: []string{"w"}}, "v.png is none of the views w"},
		{"two channels", map[string][]byte{"a/1/v.png": picture}, Options{Input: topology.Shape{Channels: 2}}, "not 2"},
		{"too many rows", map[string][]byte{"a/1/v.png": picture}, Options{Input: topology.Shape{Rows: 300}}, "300 rows"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			root := plant(t, row.files)
			_, err := Open(root, row.opts)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want one line with %q", err, row.want)
			}
		})
	}
	root := plant(t, map[string][]byte{"a/1/v.png": picture})
	if err := os.Symlink("nowhere", filepath.Join(root, "a", "1", "w.png")); err == nil {
		if _, err := Open(root, Options{}); err == nil || !strings.Contains(err.Error(), "w.png") {
			t.Errorf("a dangling link: error is %v, want one with w.png", err)
		}
	}
}

func TestNaturalCompare(t *testing.T) {
	want := []string{"", "01", "1", "2", "10", "a", "a1", "a1b", "a01c", "a2", "a10", "ab", "b"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, naturalCompare)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, a := range want {
		for _, b := range want {
			if x, y := naturalCompare(a, b), naturalCompare(b, a); x != -y || (x == 0) != (a == b) {
				t.Errorf("compare %q, %q: %d and, the other way, %d", a, b, x, y)
			}
		}
	}
}

// floatResize is the box filter by its definition, in floats.
func floatResize(img image.Image, rows, cols int) []float64 {
	b := img.Bounds()
	out := make([]float64, 3*rows*cols)
	overlap := func(i, n, o, m int) float64 { // of pixel i of n with pixel o of m, in pixels of n
		low := max(float64(i), float64(o)*float64(n)/float64(m))
		high := min(float64(i+1), float64(o+1)*float64(n)/float64(m))
		return max(0, high-low)
	}
	for row := range rows {
		for col := range cols {
			var sum [3]float64
			for y := range b.Dy() {
				for x := range b.Dx() {
					weight := overlap(y, b.Dy(), row, rows) * overlap(x, b.Dx(), col, cols)
					r, g, bl, _ := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
					for ch, v := range []uint32{r, g, bl} {
						sum[ch] += weight * float64(v)
					}
				}
			}
			area := float64(b.Dy()) / float64(rows) * float64(b.Dx()) / float64(cols)
			for ch := range 3 {
				out[(ch*rows+row)*cols+col] = sum[ch] / area / 257
			}
		}
	}
	return out
}

// slow hides the fast way to a picture's pixels.
type slow struct{ image.Image }

// Resize is the area average, of larger and smaller pictures, to half a grey
// level: half of rounding.
func TestResizeIsBoxFilter(t *testing.T) {
	for _, size := range [][2]int{{8, 6}, {16, 12}, {5, 3}, {1, 1}, {37, 23}, {7, 40}} {
		whole := image.NewNRGBA(image.Rect(-3, -2, size[0]+4, size[1]+5))
		for i := range whole.Pix {
			whole.Pix[i] = byte(i * i * 31 >> 3)
		}
		img := whole.SubImage(image.Rect(1, 2, 1+size[0], 2+size[1]))
		shape := topology.Shape{Channels: 3, Rows: 6, Cols: 8}
		got, err := Resize(img, shape)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range floatResize(img, shape.Rows, shape.Cols) {
			if d := float64(got[i]) - want; d > 0.5000001 || d < -0.5000001 {
				t.Errorf("size %v: pixel %d is %d, want %.3f", size, i, got[i], want)
			}
		}
		again, err := Resize(slow{img}, shape)
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Errorf("size %v: without the fast way: %v (-want +got):\n%s", size, err, diff)
		}
	}
}

// Colours come out as they are, whatever the kind of picture.
func TestResizeColors(t *testing.T) {
	opaque := plain(64, 48, color.NRGBA{200, 100, 50, 255})
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, opaque, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	decoded, err := jpeg.Decode(&photo)
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name      string
		img       image.Image
		channels  int
		want      []byte // by channel
		tolerance int
	}{
		{"colour", opaque, 3, []byte{200, 100, 50}, 0},
		{"half transparent", plain(8, 8, color.NRGBA{200, 100, 50, 128}), 3, []byte{100, 50, 25}, 0},
		{"transparent", plain(8, 8, color.NRGBA{200, 100, 50, 0}), 3, []byte{0, 0, 0}, 0},
		{"grey picture", plain(8, 8, color.Gray{77}), 3, []byte{77, 77, 77}, 0},
		{"grey view", opaque, 1, []byte{124}, 0}, // .299 200 + .587 100 + .114 50
		{"white in a grey view", plain(8, 8, color.White), 1, []byte{255}, 0},
		{"jpeg", decoded, 3, []byte{200, 100, 50}, 2},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, err := Resize(row.img, topology.Shape{Channels: row.channels, Rows: 4, Cols: 4})
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range got {
				if d := int(v) - int(row.want[i/16]); d > row.tolerance || d < -row.tolerance {
					t.Fatalf("channel %d is %d, want %d", i/16, v, row.want[i/16])
				}
			}
		})
	}
}

func TestResizeFaults(t *testing.T) {
	shape := topology.Shape{Channels: 3, Rows: 4, Cols: 4}
	if _, err := Resize(image.NewNRGBA(image.Rect(0, 0, 0, 5)), shape); err == nil {
		t.Error("a picture without pixels was resized")
	}
	if _, err := Resize(image.NewUniform(color.White), shape); err == nil {
		t.Error("a picture without end was resized")
	}
	if _, err := Resize(plain(4, 4, color.White), topology.Shape{Channels: 4, Rows: 4, Cols: 4}); err == nil {
		t.Error("a picture was resized to four channels")
	}
}

func BenchmarkResizeFullHD(b *testing.B) {
	img := image.NewYCbCr(image.Rect(0, 0, 1920, 1080), image.YCbCrSubsampleRatio420)
	for b.Loop() {
		if _, err := Resize(img, defaultInput); err != nil {
			b.Fatal(err)
		}
	}
}
