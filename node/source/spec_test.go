package source

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// write makes a file and the folders above it.
func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What people type is recognized by what is there, and a wrong guess can be overruled.
func TestParseSpec(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.png", "b.npz", "me@home.jpg", "shots/1.jpg", "set/bus/1/camera0.png", "notes.txt"} {
		write(t, filepath.Join(dir, name), nil)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, tt := range []struct {
		name, text string
		want       Spec // zero: an error
	}{
		{"scene", "street", Spec{KindReplay, "street", ""}},
		{"other scene", "street:samples=9,seed=3@camera2", Spec{KindReplay, "street:samples=9,seed=3", "camera2"}},
		{"scene by kind", "replay:street@2", Spec{KindReplay, "street", "2"}},
		{"data set", in("b.npz"), Spec{KindReplay, in("b.npz"), ""}},
		{"picture", in("a.png") + "@north", Spec{KindImage, in("a.png"), "north"}},
		{"an @ in a name", in("me@home.jpg"), Spec{KindImage, in("me@home.jpg"), ""}},
		{"an @ in a name, and a view", "image:" + in("me@home.jpg") + "@0", Spec{KindImage, in("me@home.jpg"), "0"}},
		{"pictures in a folder", in("shots"), Spec{KindFolder, in("shots"), ""}},
		{"a folder without pictures", in("empty"), Spec{KindFolder, in("empty"), ""}},
		{"an image data set", in("set"), Spec{KindReplay, in("set"), ""}},
		{"overruled", "folder:" + in("set"), Spec{KindFolder, in("set"), ""}},
		{"not there, but named", "folder:" + in("later"), Spec{KindFolder, in("later"), ""}},
		{"not there", in("later"), Spec{}},
		{"no picture", in("notes.txt"), Spec{}},
		{"a stream", "rtsp://camera/1", Spec{}},
		{"nothing", "", Spec{}},
		{"nothing of a kind", "replay:", Spec{}},
		{"nothing but a view", "@2", Spec{}},
		{"no view", "street@", Spec{}},
		{"an @ in a path that is not there", "image:/me@home/a.png", Spec{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseSpec(tt.text)
			if got != tt.want || (err != nil) != (tt.want == Spec{}) {
				t.Errorf("%q is %+v, %v; want %+v", tt.text, got, err, tt.want)
			}
			if err != nil {
				return
			}
			if again, err := ParseSpec(got.String()); err != nil || again != got {
				t.Errorf("%q is read as %+v, %v", got.String(), again, err)
			}
		})
	}
	if _, err := ParseSpec("/dev/null"); err == nil {
		t.Error("a device was taken for a picture")
	}
	if _, err := ParseSpec("rtsp://x@y"); !errors.Is(err, errStream) {
		t.Errorf("a stream is refused with %v, which does not say what to do", err)
	}
}

func TestSpecViewIn(t *testing.T) {
	top := *embedded(t).Topology()
	top.Views = []string{"north", "0", "south"}
	for _, tt := range []struct {
		view  string
		want  int
		given bool
		fails bool
	}{
		{view: ""},
		{view: "south", want: 2, given: true},
		{view: "2", want: 2, given: true},
		{view: "0", want: 1, given: true}, // a name goes before a number
		{view: "3", fails: true},
		{view: "-1", fails: true},
		{view: "west", fails: true},
	} {
		got, given, err := Spec{KindReplay, "street", tt.view}.ViewIn(&top)
		if got != tt.want || given != tt.given || (err != nil) != tt.fails {
			t.Errorf("view %q is %d, %v, %v", tt.view, got, given, err)
		}
	}
}

// Whatever is typed, what is read is written and read again as the same.
func FuzzParseSpec(f *testing.F) {
	for _, text := range []string{"street", "replay:street@camera2", "image:/a@b.png@1", "folder:.", "C:\\a.png", "@", "replay:@@"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpec(text)
		if err != nil {
			return
		}
		if again, err := ParseSpec(s.String()); err != nil || again != s {
			t.Errorf("%q is %+v, written %q, read %+v, %v", text, s, s.String(), again, err)
		}
	})
}
