package street

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func render(t testing.TB, samples int, seed uint64) *Scene {
	t.Helper()
	scene, err := Render(Config{Samples: samples, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return scene
}

// The scene is the configuration's alone: not the processors', and a larger one
// starts with the smaller.
func TestRenderIsDeterministic(t *testing.T) {
	small, large := render(t, 60, 3), render(t, 90, 3)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	alone := render(t, 60, 3)
	if diff := cmp.Diff(small, alone); diff != "" {
		t.Error("one processor renders another scene")
	}
	if !bytes.Equal(small.Pixels, large.Pixels[:len(small.Pixels)]) {
		t.Error("a larger scene does not start with the smaller one")
	}
	if bytes.Equal(small.Pixels, render(t, 60, 4).Pixels) {
		t.Error("another seed renders the same scene")
	}
}

// What the scene promises of every sample, and of its make-up.
func TestRenderMakeUp(t *testing.T) {
	if testing.Short() {
		t.Skip("slow where it is emulated; the golden scene shows that all machines render alike")
	}
	const samples = 600
	for seed := range uint64(2) {
		scene := render(t, samples, seed)
		counts, seen, perView := [3]int{}, 0, [Views]int{}
		for i, label := range scene.Labels {
			counts[label]++
			if i > 0 && scene.Frames[i] < scene.Frames[i-1] {
				t.Fatalf("seed %d: the frame of sample %d is before that of its predecessor", seed, i)
			}
			visible := false
			for v := range Views {
				at := i*Views + v
				pixels := scene.Pixels[at*ViewBytes : (at+1)*ViewBytes]
				present := scene.ViewLabels[at] != NotPresent
				if present && (scene.ViewLabels[at] != label || bytes.IndexByte(pixels, 0) >= 0) {
					t.Fatalf("seed %d: view %d of sample %d has another label or a zero", seed, v, i)
				}
				if !present && bytes.Count(pixels, []byte{0}) != ViewBytes {
					t.Fatalf("seed %d: view %d of sample %d has nothing in view but pixels", seed, v, i)
				}
				if present {
					visible = true
					seen++
					perView[v]++
				}
			}
			if !visible {
				t.Fatalf("seed %d: sample %d is in no view", seed, i)
			}
		}
		for label, percent := range [3]int{45, 15, 40} {
			if got := counts[label] * 100 / samples; got < percent-6 || got > percent+6 {
				t.Errorf("seed %d: %d %% of the samples are %s, want about %d %%", seed, got, Classes()[label], percent)
			}
		}
		if mean := float64(seen) / samples; mean < 3.5 || mean > 5.5 {
			t.Errorf("seed %d: a sample is in %.2f views in the mean, want 3.5 to 5.5", seed, mean)
		}
		for v, n := range perView {
			if n < samples*4/10 || n == samples {
				t.Errorf("seed %d: view %d sees %d of %d samples, want more than 40 %% and not all", seed, v, n, samples)
			}
		}
	}
}

// Neighbouring frames are near-duplicates: followed objects persist. Far frames
// are not.
func TestTracksPersist(t *testing.T) {
	traffic := newTraffic(1)
	last := map[uint64]bool{}
	followed, all := 0, 0
	for range 200 {
		now := map[uint64]bool{}
		for _, m := range traffic.next() {
			now[m.seed] = true
			all++
			if last[m.seed] {
				followed++
			}
		}
		last = now
	}
	if share := followed * 100 / all; share < 60 || share > 90 {
		t.Errorf("%d %% of the objects were there a frame before, want 60 to 90 %%", share)
	}
	if traffic.count < 80 {
		t.Errorf("there were %d objects in 200 frames, want more variety", traffic.count)
	}
}

func TestRenderFaults(t *testing.T) {
	for _, n := range []int{-1, 0, MaxSamples + 1} {
		if _, err := Render(Config{Samples: n}); err == nil || !strings.Contains(err.Error(), "want 1 to 20000") {
			t.Errorf("%d samples: error is %v, want the limits", n, err)
		}
	}
}

// The integer sine is within 0.2 % of unit of the real one, everywhere.
func TestSine(t *testing.T) {
	for a := int64(-fullTurn); a < 2*fullTurn; a++ {
		want := math.Sin(2 * math.Pi * float64(a) / fullTurn)
		if got := float64(sine(a)) / unit; math.Abs(got-want) > 0.002 {
			t.Fatalf("sine(%d) is %.4f, want %.4f", a, got, want)
		}
	}
}

func TestRoot(t *testing.T) {
	for _, v := range []int64{-5, 0, 1, 2, 3, 4, 15, 16, 17, 1 << 40, 1<<40 - 1, 1<<62 - 1} {
		got := root(v)
		if v <= 0 && got != 0 || v > 0 && (got*got > v || (got+1)*(got+1) <= v) {
			t.Errorf("root(%d) is %d", v, got)
		}
	}
}

// A building hides what is behind it and nothing else.
func TestBuildingHides(t *testing.T) {
	b := building{lowX: 10, highX: 20, lowY: 10, highY: 20}
	rows := []struct {
		name     string
		from, to vec
		want     bool
	}{
		{"through the middle", vec{0, 0, 0}, vec{30, 30, 0}, true},
		{"along an axis", vec{15, 0, 0}, vec{15, 30, 0}, true},
		{"beside it along an axis", vec{5, 0, 0}, vec{5, 30, 0}, false},
		{"short of it", vec{0, 0, 0}, vec{9, 9, 0}, false},
		{"past the corner", vec{0, 15, 0}, vec{15, 0, 0}, false},
		{"inside", vec{12, 12, 0}, vec{18, 18, 0}, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := b.hides(row.from, row.to); got != row.want {
				t.Errorf("hidden: %v, want %v", got, row.want)
			}
			if got := b.hides(row.to, row.from); got != row.want {
				t.Errorf("hidden the other way: %v, want %v", got, row.want)
			}
		})
	}
}

// A camera's axes are orthogonal and what it looks at is in the middle.
func TestCamera(t *testing.T) {
	for i, c := range newWorld(1).cameras {
		const slack = unit / 200
		for _, p := range [][2]vec{{c.forward, c.right}, {c.forward, c.up}, {c.right, c.up}} {
			if got := p[0].dot(p[1]) >> unitBits; got > slack || got < -slack {
				t.Errorf("camera %d: two axes have the product %d/%d, want about 0", i, got, unit)
			}
		}
		ahead := c.eye.plus(vec{c.forward.x, c.forward.y, c.forward.z}) // 16 m
		col, row := c.project(c.see(ahead))
		if col>>screenBits < frameCols/2-2 || col>>screenBits > frameCols/2+2 || row>>screenBits < frameRows/2-2 || row>>screenBits > frameRows/2+2 {
			t.Errorf("camera %d sees what is ahead at column %d, row %d", i, col>>screenBits, row>>screenBits)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	for b.Loop() {
		render(b, 100, 1)
	}
}
