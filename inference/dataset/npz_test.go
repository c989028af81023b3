package dataset

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// member is an array of an npz file that a test writes, or any bytes.
type member struct {
	name  string
	dtype string
	order string // of "False" and "True"; empty: False
	shape string // as Python writes it
	data  any    // little-endian
	raw   []byte // in place of all of it
}

func (m member) bytes() []byte {
	if m.raw != nil {
		return m.raw
	}
	order := m.order
	if order == "" {
		order = "False"
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", m.dtype, order, m.shape)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	for _, v := range []any{uint16(len(header)), []byte(header), m.data} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

func npzOf(t testing.TB, method uint16, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.CreateHeader(&zip.FileHeader{Name: m.name + ".npy", Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(m.bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(file []byte, opts Options) (*Set, error) {
	return decodeNPZ(bytes.NewReader(file), int64(len(file)), "test.npz", opts)
}

// The small set of these tests: three samples of two views of 1 x 4 x 4.
const smallX = "(3, 2, 1, 4, 4)"

// smallPixels has nothing in view 1 of sample 0; the other views are the bytes
// 10, 20, 30, 40, 50.
func smallPixels() []byte {
	var b []byte
	for _, v := range []byte{10, 0, 20, 30, 40, 50} {
		b = append(b, bytes.Repeat([]byte{v}, 16)...)
	}
	return b
}

func x() member { return member{name: "X", dtype: "|u1", shape: smallX, data: smallPixels()} }

func y(codes ...int32) member { return member{name: "y", dtype: "<i4", shape: "(3, 2)", data: codes} }

func label(codes ...int32) member {
	return member{name: "label", dtype: "<i4", shape: "(3,)", data: codes}
}

func frame(frames ...int32) member {
	return member{name: "frame", dtype: "<i4", shape: "(3,)", data: frames}
}

func floats(values []byte) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v) / 255
	}
	return out
}

// Both published layouts, and what may be left out of them, give the same set.
func TestNPZLayouts(t *testing.T) {
	full := Set{
		Name: "test.npz", Classes: []string{"0", "1"}, Views: []string{"camera0", "camera1"},
		Channels: 1, Rows: 4, Cols: 4, Pixels: smallPixels(),
		ViewLabels: []int{0, NotPresent, 1, 1, 0, 1}, Labels: []int{0, 1, 1}, Frames: []int{7, 7, 9},
	}
	with := func(change func(*Set)) Set {
		s := full
		change(&s)
		return s
	}
	sequential := with(func(s *Set) { s.Labels, s.Frames = []int{0, 1, 0}, []int{0, 1, 2} })
	codes := []int32{0, 2, 1, 1, 0, 1}
	rows := []struct {
		name    string
		members []member
		opts    Options
		want    Set
	}{
		{"bytes with label and frame", []member{x(), y(codes...), label(0, 1, 1), frame(7, 7, 9)}, Options{}, full},
		{"bytes, the sample's label by majority, lowest on ties", []member{x(), y(codes...)}, Options{}, sequential},
		{"floats", []member{{name: "X", dtype: "<f4", shape: smallX, data: floats(smallPixels())}, y(codes...)}, Options{}, sequential},
		{"64-bit labels", []member{x(), {name: "y", dtype: "<i8", shape: "(3, 2)", data: []int64{0, 2, 1, 1, 0, 1}}}, Options{}, sequential},
		{"8-bit labels", []member{x(), {name: "y", dtype: "|u1", shape: "(3, 2)", data: []uint8{0, 2, 1, 1, 0, 1}}}, Options{}, sequential},
		{
			"names",
			[]member{x(), y(codes...), label(0, 1, 1), frame(7, 7, 9)},
			Options{Classes: []string{"cat", "dog"}, Views: []string{"door", "yard"}},
			with(func(s *Set) { s.Classes, s.Views = []string{"cat", "dog"}, []string{"door", "yard"} }),
		},
		{
			"a third class that views with pixels have",
			[]member{x(), y(0, 1, 2, 1, 0, 1)},
			Options{},
			with(func(s *Set) {
				s.Classes, s.ViewLabels = []string{"0", "1", "2"}, []int{0, 1, 2, 1, 0, 1}
				s.Labels, s.Frames = []int{0, 1, 0}, []int{0, 1, 2}
			}),
		},
		{
			"a third class by the samples' labels",
			[]member{x(), y(0, 2, 1, 1, 0, 1), label(2, 1, 0)},
			Options{},
			with(func(s *Set) {
				s.Classes, s.ViewLabels = []string{"0", "1", "2"}, []int{0, 2, 1, 1, 0, 1}
				s.Labels, s.Frames = []int{2, 1, 0}, []int{0, 1, 2}
			}),
		},
		{
			"a sample with no view",
			[]member{x(), y(2, 2, 1, 1, 0, 0), label(2, 1, 0), frame(7, 7, 9)},
			Options{Classes: []string{"0", "1"}},
			with(func(s *Set) {
				s.ViewLabels, s.Labels = []int{NotPresent, NotPresent, 1, 1, 0, 0}, []int{NotPresent, 1, 0}
			}),
		},
	}
	for _, row := range rows {
		for _, method := range []uint16{zip.Store, zip.Deflate} {
			t.Run(fmt.Sprint(row.name, method), func(t *testing.T) {
				got, err := decode(npzOf(t, method, row.members...), row.opts)
				if err != nil {
					t.Fatal(err)
				}
				want, err := New(row.want)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Labels of any little-endian integer type are the same labels.
func TestNPZLabelTypes(t *testing.T) {
	want := []int{0, NotPresent, 1, 1, 0, 1}
	rows := map[string]any{
		"|u1": []uint8{0, 2, 1, 1, 0, 1}, "|i1": []int8{0, 2, 1, 1, 0, 1}, "<u2": []uint16{0, 2, 1, 1, 0, 1}, "<i2": []int16{0, 2, 1, 1, 0, 1},
		"<u4": []uint32{0, 2, 1, 1, 0, 1}, "<i4": []int32{0, 2, 1, 1, 0, 1}, "<u8": []uint64{0, 2, 1, 1, 0, 1}, "<i8": []int64{0, 2, 1, 1, 0, 1},
	}
	for dtype, codes := range rows {
		got, err := decode(npzOf(t, zip.Store, x(), member{name: "y", dtype: dtype, shape: "(3, 2)", data: codes}), Options{})
		if err != nil {
			t.Errorf("%s: %v", dtype, err)
			continue
		}
		if diff := cmp.Diff(want, got.ViewLabels); diff != "" {
			t.Errorf("%s (-want +got):\n%s", dtype, diff)
		}
	}
}

// A file of the street's layout has the street's classes.
func TestNPZMultiCamera(t *testing.T) {
	pixels := bytes.Repeat([]byte{9}, 2*6*3*32*32)
	got, err := decode(npzOf(t, zip.Store,
		member{name: "X", dtype: "|u1", shape: "(2, 6, 3, 32, 32)", data: pixels},
		member{name: "y", dtype: "<i4", shape: "(2, 6)", data: []int32{0, 0, 3, 3, 3, 3, 1, 1, 1, 1, 3, 3}}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"car", "bus", "person"}, got.Classes); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
}

// All 256 bytes survive the way through floats that divide by 255.
func TestNPZFloatsRound(t *testing.T) {
	pixels := make([]byte, 512)
	for i := range pixels {
		pixels[i] = byte(i)
	}
	got, err := decode(npzOf(t, zip.Deflate,
		member{name: "X", dtype: "<f4", shape: "(2, 1, 1, 16, 16)", data: floats(pixels)},
		member{name: "y", dtype: "<i4", shape: "(2, 1)", data: []int32{0, 1}}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pixels, got.Pixels); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every fault of a file is one line that names the cause and the way out.
func TestNPZFaults(t *testing.T) {
	codes := []int32{0, 2, 1, 1, 0, 1}
	good := npzOf(t, zip.Deflate, x(), y(codes...), label(0, 1, 1), frame(7, 7, 9))
	flipped := bytes.Clone(npzOf(t, zip.Store, x(), y(codes...)))
	flipped[bytes.Index(flipped, bytes.Repeat([]byte{20}, 16))] ^= 1
	flippedFloats := npzOf(t, zip.Store, member{name: "X", dtype: "<f4", shape: smallX, data: floats(smallPixels())}, y(codes...))
	flippedFloats[bytes.Index(flippedFloats, binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(20)/255)))] ^= 1
	flippedLabels := npzOf(t, zip.Store, x(), y(codes...), label(0, 1, 1))
	flippedLabels[bytes.LastIndex(flippedLabels, []byte("\n\x00\x00\x00\x00\x01"))+1] ^= 1
	nan := floats(smallPixels())
	nan[40] = float32(math.NaN())
	bright := floats(smallPixels())
	bright[40] = 1.5
	infinite := floats(smallPixels())
	infinite[40] = float32(math.Inf(1))
	file := func(members ...member) []byte { return npzOf(t, zip.Store, members...) }
	rows := []struct {
		name string
		file []byte
		opts Options
		want string // in the message
	}{
		{"empty", nil, Options{}, "no npz"},
		{"text that was renamed", []byte("car,bus,person\n"), Options{}, "no npz"},
		{"cut short", good[:len(good)/2], Options{}, "cut short"},
		{"one bit of a pixel", flipped, Options{}, "array X is damaged"},
		{"one bit of a float", flippedFloats, Options{}, "array X is damaged"},
		{"one bit of a label", flippedLabels, Options{}, "array label is damaged"},
		{"no X", file(y(codes...)), Options{}, "no array X"},
		{"no y", file(x()), Options{}, "no array y"},
		{"X twice", file(x(), x(), y(codes...)), Options{}, "twice"},
		{"X of float64", file(member{name: "X", dtype: "<f8", shape: smallX, data: make([]float64, 96)}, y(codes...)), Options{}, `array X is "<f8"`},
		{"X of int32", file(member{name: "X", dtype: "<i4", shape: smallX, data: make([]int32, 96)}, y(codes...)), Options{}, "array X is <i4"},
		{"X big-endian", file(member{name: "X", dtype: ">f4", shape: smallX, data: make([]float32, 96)}, y(codes...)), Options{}, `array X is ">f4"`},
		{"y of floats", file(x(), member{name: "y", dtype: "<f4", shape: "(3, 2)", data: make([]float32, 6)}), Options{}, "array y is <f4"},
		{"X of four axes", file(member{name: "X", dtype: "|u1", shape: "(6, 1, 4, 4)", data: smallPixels()}, y(codes...)), Options{}, "4 axes"},
		{"X of many axes", file(member{name: "X", dtype: "|u1", shape: "(96, 1, 1, 1, 1, 1, 1, 1, 1, 1)", data: smallPixels()}, y(codes...)), Options{}, "10 axes"},
		{"X a scalar", file(member{name: "X", dtype: "|u1", shape: "()", data: []byte{1}}, y(codes...)), Options{}, "0 axes"},
		{"y of one axis", file(x(), member{name: "y", dtype: "<i4", shape: "(6,)", data: codes}), Options{}, "1 axes"},
		{"Fortran order", file(member{name: "X", dtype: "|u1", order: "True", shape: smallX, data: smallPixels()}, y(codes...)), Options{}, "Fortran"},
		{"neither order", file(member{name: "X", dtype: "|u1", order: "Maybe", shape: smallX, data: smallPixels()}, y(codes...)), Options{}, "npy header"},
		{"no npy", file(member{name: "X", raw: []byte("hello, this is text")}, y(codes...)), Options{}, "npy header"},
		{"header without a line", file(member{name: "X", raw: []byte("\x93NUMPY\x01\x00\x04\x00abcd")}, y(codes...)), Options{}, "npy header"},
		{"header of 4 GB", file(member{name: "X", raw: []byte("\x93NUMPY\x02\x00\xff\xff\xff\xffabcd")}, y(codes...)), Options{}, "npy header"},
		{"header of version 9", file(member{name: "X", raw: []byte("\x93NUMPY\x09\x00\x04\x00abcd")}, y(codes...)), Options{}, "npy header"},
		{"keys in another order", file(member{name: "X", raw: []byte("\x93NUMPY\x01\x00\x40\x00" + fmt.Sprintf("%-63s\n", "{'shape': (3,), 'fortran_order': False, 'descr': '|u1'}"))}, y(codes...)), Options{}, "npy header"},
		{"a shape larger than the file", file(member{name: "X", dtype: "|u1", shape: "(1000000, 64, 4, 256, 256)", data: smallPixels()}, y(codes...)), Options{}, "claims the shape"},
		{"a shape whose product wraps to the file's", file(member{name: "X", dtype: "|u1", shape: "(2147483647, 2147483647, 2147483647, 4, 4)", data: smallPixels()}, y(codes...)), Options{}, "claims the shape"},
		{"a negative shape", file(member{name: "X", dtype: "|u1", shape: "(-3, -2, 1, 4, 4)", data: smallPixels()}, y(codes...)), Options{}, "negative"},
		{"elements missing", file(member{name: "X", dtype: "|u1", shape: smallX, data: smallPixels()[:90]}, y(codes...)), Options{}, "claims the shape"},
		{"no samples", file(member{name: "X", dtype: "|u1", shape: "(0, 2, 1, 4, 4)", data: []byte{}}, member{name: "y", dtype: "<i4", shape: "(0, 2)", data: []int32{}}), Options{}, "no samples"},
		{"no views", file(member{name: "X", dtype: "|u1", shape: "(3, 0, 1, 4, 4)", data: []byte{}}, member{name: "y", dtype: "<i4", shape: "(3, 0)", data: []int32{}}), Options{}, "0 views"},
		{"too many views", file(member{name: "X", dtype: "|u1", shape: "(1, 65, 1, 4, 4)", data: make([]byte, 65*16)}, member{name: "y", dtype: "<i4", shape: "(1, 65)", data: make([]int32, 65)}), Options{}, "65 views"},
		{"channels last", file(member{name: "X", dtype: "|u1", shape: "(1, 2, 32, 32, 3)", data: make([]byte, 6144)}, member{name: "y", dtype: "<i4", shape: "(1, 2)", data: make([]int32, 2)}), Options{}, "32 channels"},
		{"small pictures", file(member{name: "X", dtype: "|u1", shape: "(3, 2, 1, 3, 4)", data: make([]byte, 72)}, y(codes...)), Options{}, "3 rows"},
		{"y of other samples", file(x(), member{name: "y", dtype: "<i4", shape: "(2, 2)", data: codes[:4]}), Options{}, "array y has 2 samples"},
		{"y of other views", file(x(), member{name: "y", dtype: "<i4", shape: "(3, 1)", data: codes[:3]}), Options{}, "array y has 1 views"},
		{"label of other samples", file(x(), y(codes...), member{name: "label", dtype: "<i4", shape: "(2,)", data: codes[:2]}), Options{}, "array label has 2 samples"},
		{"frame of other samples", file(x(), y(codes...), member{name: "frame", dtype: "<i4", shape: "(4,)", data: codes[:4]}), Options{}, "array frame has 4 samples"},
		{"a negative view label", file(x(), y(0, -1, 1, 1, 0, 1)), Options{}, "element 1 of array y is -1"},
		{"a huge view label", file(x(), member{name: "y", dtype: "<u8", shape: "(3, 2)", data: []uint64{0, 2, 1, 1, 0, math.MaxUint64}}), Options{}, "array y"},
		{"a view label beyond the names", file(x(), y(0, 2, 5, 1, 0, 1)), Options{Classes: []string{"a", "b"}}, "view 0 of sample 1"},
		{"more classes than there may be", file(x(), y(0, 2, 1000, 1, 0, 1)), Options{}, "1001 classes"},
		{"a label that stands for ignore", file(x(), y(0, 2, math.MaxInt32, 1, 0, 1)), Options{}, "2147483647 classes"}, // names of them all took 32 GiB
		{"a label beyond the names", file(x(), y(codes...), label(0, 3, 1)), Options{Classes: []string{"a", "b"}}, "sample 1 in array label is 3"},
		{"a sample not present with views that are", file(x(), y(codes...), label(0, 2, 1)), Options{Classes: []string{"a", "b"}}, "sample 1 in array label is 2"},
		{"a negative frame", file(x(), y(codes...), frame(1, -2, 3)), Options{}, "array frame"},
		{"one class", file(x(), y(1, 1, 1, 1, 1, 1)), Options{}, "of 1 class"},
		{"not a number", file(member{name: "X", dtype: "<f4", shape: smallX, data: nan}, y(codes...)), Options{}, "sample 1 in array X is NaN"},
		{"infinite", file(member{name: "X", dtype: "<f4", shape: smallX, data: infinite}, y(codes...)), Options{}, "sample 1 in array X is +Inf"},
		{"floats of another range", file(member{name: "X", dtype: "<f4", shape: smallX, data: bright}, y(codes...)), Options{}, "sample 1 in array X is 1.5"},
		{"too few view names", file(x(), y(codes...)), Options{Views: []string{"door"}}, "1 view names"},
		{"a name twice", file(x(), y(codes...)), Options{Views: []string{"door", "door"}}, `two view names are "door"`},
		{"an empty name", file(x(), y(codes...)), Options{Classes: []string{"", "b"}}, "empty name"},
		{"a long name", file(x(), y(codes...)), Options{Classes: []string{strings.Repeat("a", 65), "b"}}, "65 bytes"},
	}
	dir := t.TempDir()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(row.name, " ", "-")+".npz")
			if err := os.WriteFile(path, row.file, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path, row.opts)
			if err == nil {
				t.Fatal("it was read without an error")
			}
			got := err.Error()
			if !strings.Contains(got, row.want) || !strings.HasPrefix(got, "read data set "+path+": ") || strings.Contains(got, "\n") {
				t.Errorf("error is %q, want one line with the path and %q", got, row.want)
			}
		})
	}
}

// A file of a few hundred kilobytes whose array unpacks to far more is refused
// before it is unpacked.
func TestNPZBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("packs a large array")
	}
	const samples = 3700
	zeros := make([]byte, samples*6*3*32*32)
	file := npzOf(t, zip.Deflate,
		member{name: "X", dtype: "|u1", shape: "(3700, 6, 3, 32, 32)", data: zeros},
		member{name: "y", dtype: "|u1", shape: "(3700, 6)", data: make([]byte, samples*6)})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := decode(file, Options{})
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "would unpack") {
		t.Errorf("error is %v, want a refusal to unpack", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes were allocated for a refused file of %d", got, len(file))
	}
}

// Whatever the bytes, decoding neither panics nor allocates far beyond them, and
// what it accepts is what the package guarantees.
func FuzzDecodeNPZ(f *testing.F) {
	codes := []int32{0, 2, 1, 1, 0, 1}
	f.Add(npzOf(f, zip.Store, x(), y(codes...)))
	f.Add(npzOf(f, zip.Deflate, x(), y(codes...), label(0, 1, 1), frame(7, 7, 9)))
	f.Add(npzOf(f, zip.Store, member{name: "X", dtype: "<f4", shape: smallX, data: floats(smallPixels())}, y(codes...)))
	f.Add(npzOf(f, zip.Store, member{name: "X", dtype: "|u1", shape: "(1000000, 64, 4, 256, 256)", data: smallPixels()}, y(codes...)))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		set, err := decode(file, Options{})
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(8<<20+40*maxRatio*len(file)); got > most {
			t.Errorf("%d bytes were allocated for a file of %d, want at most %d", got, len(file), most)
		}
		if err != nil {
			return
		}
		if err := set.check(); err != nil {
			t.Errorf("a set was accepted that is faulty: %v", err)
		}
	})
}

// The header parser is fuzzed apart: the checksums of a zip hide it.
func FuzzReadHeader(f *testing.F) {
	f.Add(x().bytes())
	f.Add(y(0, 2, 1, 1, 0, 1).bytes())
	f.Add([]byte("\x93NUMPY\x01\x00\x04\x00abcd"))
	f.Add([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"))
	f.Add([]byte("\x93NUMPY\x01\x00\x40\x00" + fmt.Sprintf("%-63s\n", "{'shape': (3,), 'fortran_order': False, 'descr': '|u1'}")))
	f.Fuzz(func(t *testing.T, content []byte) {
		set, err := decode(npzOf(t, zip.Store, member{name: "X", raw: append([]byte{}, content...)}, y(0, 2, 1, 1, 0, 1)), Options{})
		if err == nil && set.Len() != 3 {
			t.Errorf("there are %d samples, want the 3 of y", set.Len())
		}
	})
}
