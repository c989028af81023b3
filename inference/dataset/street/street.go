package street

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// The shape of a scene.
const (
	Views    = 6  // cameras that are always there
	MaxViews = 8  // cameras, with those that may come later
	Channels = 3  // red, green, blue
	Side     = 32 // rows and columns of a view

	ViewBytes = Channels * Side * Side
)

// NotPresent is the label of a view that has nothing in view.
const NotPresent = -1

// MaxSamples is the largest scene that is rendered.
const MaxSamples = 20000

// Config says which scene is rendered.
type Config struct {
	Samples int    // 1 to MaxSamples
	Seed    uint64 // of everything that is drawn
	Cameras int    // Views to MaxViews; 0: Views
}

// Default is the scene that "street" stands for.
func Default() Config { return Config{Samples: 900, Seed: 1} }

// Scene is the labelled samples of a rendered scene, in time order.
type Scene struct {
	Pixels     []byte // [sample, view, channel, row, col]; all zeros where nothing is in view
	ViewLabels []int  // [sample, view]: a class or NotPresent
	Labels     []int  // [sample]: a class
	Frames     []int  // [sample]: counted from one; neighbours are near-duplicates
}

// Classes names the classes in the order of the labels.
func Classes() []string { return []string{"car", "bus", "person"} }

// Render renders a scene. It uses all processors; the result depends on the
// configuration alone.
func Render(config Config) (*Scene, error) {
	if config.Samples < 1 || config.Samples > MaxSamples {
		return nil, fmt.Errorf("render street scene: %d samples are asked for, want 1 to %d", config.Samples, MaxSamples)
	}
	if config.Cameras == 0 {
		config.Cameras = Views
	}
	if config.Cameras < Views || config.Cameras > MaxViews {
		return nil, fmt.Errorf("render street scene: %d cameras are asked for, want %d to %d", config.Cameras, Views, MaxViews)
	}
	w := newWorld(config.Seed)
	w.cameras = w.cameras[:config.Cameras]
	traffic := newTraffic(config.Seed)
	views := config.Cameras
	scene := &Scene{Pixels: make([]byte, 0, config.Samples*views*ViewBytes)}
	for len(scene.Labels) < config.Samples {
		// An object that none of the first cameras sees is no sample, so that the number
		// of moments is not known before they are rendered.
		var batch []moment
		for len(batch) < 64 {
			batch = append(batch, traffic.next()...)
		}
		pixels := make([]byte, len(batch)*views*ViewBytes)
		seen := make([]bool, len(batch)*views)
		w.render(pixels, seen, batch)
		for i, m := range batch {
			if len(scene.Labels) < config.Samples {
				scene.add(m, pixels[i*views*ViewBytes:(i+1)*views*ViewBytes], seen[i*views:(i+1)*views])
			}
		}
	}
	return scene, nil
}

// add appends a sample, unless none of the first cameras sees it: further ones add views,
// not samples.
func (s *Scene) add(m moment, pixels []byte, seen []bool) {
	if !slices.Contains(seen[:Views], true) {
		return
	}
	s.Labels = append(s.Labels, m.class)
	s.Frames = append(s.Frames, m.frame)
	s.Pixels = append(s.Pixels, pixels...)
	for _, yes := range seen {
		label := m.class
		if !yes {
			label = NotPresent
		}
		s.ViewLabels = append(s.ViewLabels, label)
	}
}

// render fills in the views of some moments, shared out among all processors.
func (w *world) render(pixels []byte, seen []bool, moments []moment) {
	workers := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			v := viewer{world: w}
			for i := worker; i < len(moments); i += workers {
				m := moments[i]
				o := w.object(m)
				for c := range w.cameras {
					at := i*len(w.cameras) + c
					r := newRandom(w.seed, forSensor, m.seed, uint64(m.frame), uint64(c))
					seen[at] = v.view(pixels[at*ViewBytes:(at+1)*ViewBytes], o, c, r)
				}
			}
		})
	}
	all.Wait()
}
