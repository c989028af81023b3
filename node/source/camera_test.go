package source

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ganglion/inference/topology"
)

// plain is the file of a picture of one shade.
func plain(t testing.TB, shade byte) []byte {
	t.Helper()
	const side = 40
	img := image.NewGray(image.Rect(0, 0, side, side))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	img.SetGray(0, 0, color.Gray{Y: shade + 1}) // not of one color alone: more bytes to cut
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// place is a folder under test, with a clock of its own for its files and its camera.
type place struct {
	*testing.T
	dir string
	now time.Time
	log bytes.Buffer
	cam *Camera
}

func newPlace(t *testing.T) *place {
	t.Helper()
	return &place{T: t, dir: t.TempDir(), now: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// put writes a file a second after the one before.
func (p *place) put(name string, content []byte) {
	p.Helper()
	p.now = p.now.Add(time.Second)
	write(p, p.path(name), content)
	if err := os.Chtimes(p.path(name), p.now, p.now); err != nil {
		p.Fatal(err)
	}
}

func (p *place) remove(name string) {
	p.Helper()
	if err := os.RemoveAll(p.path(name)); err != nil {
		p.Fatal(err)
	}
}

// open opens the camera without watching: the test says when to look.
func (p *place) open(spec Spec) {
	p.Helper()
	var err error
	p.cam, err = openCamera(spec, Config{Bundle: embedded(p), Log: slog.New(slog.NewTextHandler(&p.log, nil))},
		system{now: func() time.Time { return p.now }})
	if err != nil {
		p.Fatal(err)
	}
}

// sees checks what the camera sees: a shade, or nothing, or a fault.
func (p *place) sees(when string, look Look, shade byte) {
	p.Helper()
	pixels, seen, err := p.cam.Pixels(0, 0)
	switch {
	case seen != look || (err != nil) != (look == Fault):
		p.Errorf("%s: %v, %v; want %v", when, seen, err, look)
	case look == Seen && (len(pixels) != p.cam.topology.Input.Size() || pixels[len(pixels)-1] != shade):
		p.Errorf("%s: %d pixels, the last %d; want shade %d", when, len(pixels), pixels[len(pixels)-1], shade)
	}
}

// What a camera wrote last is what it sees; what is put aside or no picture is not
// looked at; where nothing is left nothing is in view.
func TestFolderShowsTheNewest(t *testing.T) {
	p := newPlace(t)
	p.open(Spec{Kind: KindFolder, Ref: p.dir})
	p.sees("empty", Nothing, 0)
	p.put("b.png", plain(t, 10))
	p.cam.consider([]string{"b.png"})
	p.sees("one picture", Seen, 10)
	p.put("a.png", plain(t, 20))
	p.cam.consider([]string{"a.png", "b.png", "a.png"})
	p.sees("a newer one", Seen, 20)
	p.put(".c.png", plain(t, 30))
	p.put("c.png.part", plain(t, 30))
	p.put("c.txt", plain(t, 30))
	p.cam.scan(true)
	p.sees("others put aside", Seen, 20)
	p.put("b.png", plain(t, 40))
	p.cam.consider([]string{"b.png"})
	p.sees("an old name, written anew", Seen, 40)
	p.remove("a.png")
	p.cam.consider([]string{"a.png"})
	p.sees("one that was not shown is gone", Seen, 40)
	p.put("a.png", plain(t, 50))
	p.cam.consider([]string{"a.png"})
	p.remove("a.png")
	p.cam.consider([]string{"a.png"})
	p.sees("the newest is gone", Seen, 40)
	p.remove("b.png")
	p.cam.consider([]string{"b.png"})
	p.sees("all are gone", Nothing, 0)
	p.put("dark.png", plain(t, 0)[:0])
	p.remove("dark.png")
	p.put("black.png", black(t))
	p.cam.scan(false)
	p.sees("the lens is covered", Nothing, 0)
}

func black(t testing.TB) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// Files of one time, as coarse file systems have them, are ordered by name as people
// number them.
func TestNewer(t *testing.T) {
	at := time.Unix(1, 0)
	order := []candidate{{"z.png", at, 1}, {"frame9.png", at, 1}, {"frame10.png", at, 1}, {"frame11.png", at, 9}, {"a.png", at.Add(1), 0}}
	for i, a := range order {
		for j, b := range order {
			if a.newer(b) != (i > j) {
				t.Errorf("%s is newer than %s: %v", a.name, b.name, a.newer(b))
			}
		}
	}
}

// A camera that is caught writing must not blind the view, nor may a picture that
// stays broken go unnoticed.
func TestHalfWrittenPicture(t *testing.T) {
	p := newPlace(t)
	p.put("a.png", plain(t, 10))
	p.open(Spec{Kind: KindFolder, Ref: p.dir})
	next := plain(t, 20)
	for n := range len(next) {
		if err := os.WriteFile(p.path("b.png"), next[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		p.cam.consider([]string{"b.png"})
		p.sees("half of b", Seen, 10)
	}
	began := p.now
	if p.cam.Trouble() != nil || p.log.Len() > 0 {
		t.Errorf("told too early: %v, %s", p.cam.Trouble(), p.log.String())
	}
	p.now = began.Add(tellAfter)
	p.cam.scan(false)
	p.now = p.now.Add(time.Hour)
	p.cam.scan(false)
	p.sees("b stays broken", Seen, 10)
	if err := p.cam.Trouble(); err == nil || !strings.Contains(err.Error(), p.path("b.png")) {
		t.Errorf("the trouble is %v, which does not name the file", err)
	}
	if n := strings.Count(p.log.String(), "source cannot be read"); n != 1 {
		t.Errorf("told %d times:\n%s", n, p.log.String())
	}
	if err := os.WriteFile(p.path("b.png"), next, 0o600); err != nil {
		t.Fatal(err)
	}
	p.cam.consider([]string{"b.png"})
	p.sees("b is whole", Seen, 20)
	if p.cam.Trouble() != nil || !strings.Contains(p.log.String(), "can be read again") {
		t.Errorf("after recovery: %v, %s", p.cam.Trouble(), p.log.String())
	}
}

// Without any good picture a node must say that the view is missing: "nothing in view"
// would be a guess. But the first picture of an empty folder is not held against it
// while it is being written.
func TestNoGoodPicture(t *testing.T) {
	p := newPlace(t)
	p.put("a.png", []byte("no picture"))
	p.open(Spec{Kind: KindFolder, Ref: p.dir})
	p.sees("a broken picture at first", Fault, 0)
	p.remove("a.png")
	p.cam.scan(false)
	p.sees("it is gone", Nothing, 0)
	p.put("b.png", nil)
	p.cam.consider([]string{"b.png"})
	p.sees("another begins", Nothing, 0)
	p.now = p.now.Add(tellAfter)
	p.cam.scan(false)
	p.sees("it stays empty", Fault, 0)
}

// A folder that is gone, like a drive that was pulled, is no view without anything in
// it, and not for ever what it was.
func TestFolderGone(t *testing.T) {
	p := newPlace(t)
	p.put("in/a.png", plain(t, 10))
	p.open(Spec{Kind: KindFolder, Ref: p.path("in")})
	p.remove("in")
	p.cam.scan(false)
	p.sees("at first", Seen, 10)
	p.now = p.now.Add(tellAfter)
	p.cam.scan(false)
	p.sees("later", Fault, 0)
	p.put("in/a.png", plain(t, 20))
	p.cam.scan(false)
	p.sees("there again", Seen, 20)
}

// A bundle of another input shape may come while a node runs. Pixels of the wrong
// shape must never reach its sections.
func TestCameraFit(t *testing.T) {
	p := newPlace(t)
	p.put("a.png", plain(t, 10))
	p.open(Spec{Kind: KindImage, Ref: p.path("a.png")})
	p.sees("as opened", Seen, 10)
	other := *p.cam.topology
	other.Input = topology.Shape{Channels: 1, Rows: 16, Cols: 20}
	if err := p.cam.Fit(&other); err != nil {
		t.Fatal(err)
	}
	p.sees("before it is read anew", Fault, 0)
	p.cam.scan(true)
	p.sees("read anew", Seen, 10)
	four := other
	four.Input.Channels = 4
	if err := p.cam.Fit(&four); err == nil {
		t.Error("pictures do not have 4 channels")
	}
	p.sees("after a refused fit", Seen, 10)
}

// A typing error at start is told with what to do; what breaks later is not fatal.
func TestOpenRefuses(t *testing.T) {
	p := newPlace(t)
	p.put("a.png", plain(t, 10))
	for _, spec := range []Spec{
		{Kind: KindImage, Ref: p.path("absent.png")},
		{Kind: KindImage, Ref: p.dir},
		{Kind: KindFolder, Ref: p.path("a.png")},
		{Kind: KindFolder, Ref: p.path("absent")},
		{Kind: KindFolder, Ref: p.dir, View: "attic"},
		{Kind: KindReplay, Ref: scene, View: "attic"},
		{Kind: KindReplay, Ref: p.dir},
		{Kind: "stream", Ref: "x"},
		{},
	} {
		if s, err := Open(spec, Config{Bundle: embedded(t)}); err == nil {
			t.Errorf("%+v was opened as %T", spec, s)
		}
	}
	if _, err := Open(Spec{Kind: KindReplay, Ref: scene}, Config{}); err == nil {
		t.Error("a source for no bundle was opened")
	}
}

// runs a camera, and hands over a function that waits until its shade is seen.
func (p *place) run(spec Spec, machine system) (await func(look Look, shade byte)) {
	p.Helper()
	looked := make(chan struct{}, 1)
	machine.looked = func() {
		select {
		case looked <- struct{}{}:
		default:
		}
	}
	var err error
	p.cam, err = openCamera(spec, Config{Bundle: embedded(p), Log: slog.New(slog.DiscardHandler)}, machine)
	if err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.cam.Run(ctx) }()
	p.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			p.Error(err)
		}
	})
	return func(look Look, shade byte) {
		p.Helper()
		limit := time.After(time.Minute)
		for {
			pixels, seen, _ := p.cam.Pixels(0, 0)
			if seen == look && (look != Seen || pixels[len(pixels)-1] == shade) {
				return
			}
			select {
			case <-looked:
			case <-limit:
				p.Fatalf("never %v of shade %d; now %v", look, shade, seen)
			}
		}
	}
}

// The whole of it on a real folder: writing, replacing, removing, the folder itself
// renamed and made anew; once with the file system telling, once without.
func TestRun(t *testing.T) {
	const never = time.Hour
	watched := machine()
	watched.poll, watched.slow = 50*time.Millisecond, never // polls alone would not find changes of files
	blind := machine()
	blind.poll = 5 * time.Millisecond
	blind.watch = func(string) (*watch, error) { return nil, errors.New("too many are watched") }
	for name, machine := range map[string]system{"watched": watched, "polled": blind} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			if err := os.Mkdir(p.path("in"), 0o755); err != nil {
				t.Fatal(err)
			}
			await := p.run(Spec{Kind: KindFolder, Ref: p.path("in")}, machine)
			await(Nothing, 0)
			write(t, p.path("in/a.png"), plain(t, 10))
			await(Seen, 10)
			write(t, p.path("in/.aside"), plain(t, 20))
			if err := os.Rename(p.path("in/.aside"), p.path("in/b.png")); err != nil {
				t.Fatal(err)
			}
			await(Seen, 20)
			p.remove("in/b.png")
			await(Seen, 10)
			p.remove("in/a.png")
			await(Nothing, 0)
			if err := os.Rename(p.path("in"), p.path("out")); err != nil {
				t.Fatal(err)
			}
			write(t, p.path("in/c.png"), plain(t, 30))
			await(Seen, 30)
			write(t, p.path("in/d.png"), plain(t, 40))
			await(Seen, 40)
			other := *embedded(t).Topology()
			other.Input.Rows = 16
			if err := p.cam.Fit(&other); err != nil {
				t.Fatal(err)
			}
			await(Seen, 40)
		})
	}
}

// Of a folder in which much else happens, one picture is followed, and read when it
// changes.
func TestRunImage(t *testing.T) {
	p := newPlace(t)
	write(t, p.path("a.png"), plain(t, 10))
	await := p.run(Spec{Kind: KindImage, Ref: p.path("a.png")}, machine())
	await(Seen, 10)
	write(t, p.path("b.png"), plain(t, 20))
	write(t, p.path("a.png"), plain(t, 30))
	await(Seen, 30)
	p.remove("a.png")
	await(Nothing, 0)
}

// Whatever a file holds, what is taken from it has the shape that was asked for.
func FuzzReadPicture(f *testing.F) {
	whole := plain(f, 10)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte("\xff\xd8\xff\xe0"))
	f.Add([]byte{})
	shape := topology.Shape{Channels: 3, Rows: 8, Cols: 8}
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "a.png")
		write(t, path, file)
		pixels, err := readPicture(path, shape)
		if (err == nil) != (len(pixels) == shape.Size()) {
			t.Errorf("%d pixels, %v", len(pixels), err)
		}
	})
}
