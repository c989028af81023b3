package train

import (
	"math"
	"math/rand/v2"
	"testing"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// The whole network is piecewise smooth, so its gradient is compared along whole
// directions of unit length, where the kinks that a step crosses count little. A
// long step crosses more of them, a short one is lost in the rounding of float32:
// the slope must agree at one of three, where a wrong gradient agrees at none. It
// may be off by networkTolerance relative to the gradient's length, or to
// smallSlope where that is greater.
var networkSteps = []float64{1e-3, 3e-4, 1e-4}

const (
	networkTolerance = 0.02
	smallSlope       = 0.1
)

// smallTopology is a preset cut down to maps that finite differences can afford.
func smallTopology(t testing.TB, preset string, views int) *topology.Topology {
	t.Helper()
	topo, err := topology.Preset(preset, topology.Base{
		Views:   topology.ViewNames(views),
		Classes: []string{"car", "bus", "person"},
		Input:   topology.Shape{Channels: 2, Rows: 6, Cols: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, blocks := range topoBlocks(topo) {
		for i := range blocks {
			blocks[i].Filters = 3
		}
	}
	if err := topo.Validate(); err != nil {
		t.Fatal(err)
	}
	return topo
}

func topoBlocks(topo *topology.Topology) [][]topology.Block {
	all := [][]topology.Block{topo.Device.Blocks, topo.Cloud.Blocks}
	if topo.Edge != nil {
		all = append(all, topo.Edge.Blocks)
	}
	return all
}

// networkCases are the paper's deployments, and what the presets leave out.
func networkCases(t testing.TB) map[string]*topology.Topology {
	t.Helper()
	cases := map[string]*topology.Topology{
		"a":       smallTopology(t, "a", 3),
		"b":       smallTopology(t, "b", 1),
		"c":       smallTopology(t, "c", 3),
		"d":       smallTopology(t, "d", 1),
		"e":       smallTopology(t, "e", 3),
		"f":       smallTopology(t, "f", 4),
		"elastic": smallTopology(t, "elastic", 3),
	}
	float := smallTopology(t, "c", 3)
	float.Device.Layers, float.Cloud.Layers = topology.Float, topology.Float
	float.Device.Blocks = append(float.Device.Blocks, topology.Block{Filters: 2, Pool: topology.NoPool})
	float.Local.Scores, float.Cloud.Features = topology.AP, topology.AP
	cases["float, averages"] = float
	dense := smallTopology(t, "f", 4)
	dense.Edge.Layers = topology.Float
	dense.Local.Scores, dense.Edge.Features, dense.Cloud.Features = topology.CC, topology.MP, topology.AP
	cases["dense local exits"] = dense
	for name, topo := range cases {
		if err := topo.Validate(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return cases
}

// randomSet has samples of random pixels, each 1 to noise, brighter by step from
// class to class. View v of sample s is black where
// (s+v) is a multiple of 3, and its label is then NotPresent.
func randomSet(t testing.TB, topo *topology.Topology, samples, step, noise int) *dataset.Set {
	t.Helper()
	r := rand.New(rand.NewPCG(17, 18))
	s := dataset.Set{
		Name: "random", Classes: topo.Classes, Views: topo.Views,
		Channels: topo.Input.Channels, Rows: topo.Input.Rows, Cols: topo.Input.Cols,
	}
	for i := range samples {
		label := i % len(s.Classes)
		s.Labels = append(s.Labels, label)
		s.Frames = append(s.Frames, i)
		for v := range s.Views {
			pixels := make([]byte, topo.Input.Size())
			seen := len(s.Views) == 1 || (i+v)%3 != 0
			for p := range pixels {
				if seen {
					pixels[p] = byte(1 + label*step + r.IntN(noise))
				}
			}
			s.Pixels = append(s.Pixels, pixels...)
			if seen {
				s.ViewLabels = append(s.ViewLabels, label)
			} else {
				s.ViewLabels = append(s.ViewLabels, dataset.NotPresent)
			}
		}
	}
	set, err := dataset.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// smoothNetwork is a network with surrogates in place of its signs, random
// tensors, and a batch of samples of which one stands in it twice.
func smoothNetwork(t testing.TB, topo *topology.Topology) (*network, *batch, *objective, *loader) {
	t.Helper()
	const samples = 32
	set := randomSet(t, topo, samples, 40, 120)
	w := testWorkers(t, 2)
	n := newNetwork(topo, w, samples, samples+1)
	r := rand.New(rand.NewPCG(19, 20))
	for _, p := range n.params {
		for i := range p.latent {
			p.latent[i] = float32(r.NormFloat64())
		}
		p.refresh(true)
	}
	for _, s := range n.sections() {
		for _, b := range s.blocks {
			b.activation.smooth = true
			// Mostly within the window, away from its kinks.
			for c := range b.norm.channels {
				b.norm.gamma.value[c] = float32(0.5 + 0.3*r.Float64())
				b.norm.beta.value[c] = float32(0.5 * r.Float64())
			}
			b.norm.gamma.value[0] *= -1
		}
	}
	b := newBatch(topo, samples, samples+1)
	for sample, seen := range seenViews(set, topo.Presence) {
		sets := []uint64{seen}
		if sample == 1 {
			sets = append(sets, 1<<nth(seen, 0))
		}
		if !b.add(sample, sets...) {
			t.Fatal("the batch has no room")
		}
	}
	o := &objective{set: set, smoothing: 0.05, weights: [Heads]float64{0.5, 0.7, 0.9, 1}}
	return n, b, o, newLoader(w, set, topo.Input, Augment{}, 0, nil, nil)
}

// The gradient of the joint loss with respect to every tensor, in every kind of
// topology. Signs are replaced by the functions that their estimators are the
// gradients of; the backward pass is the one that training uses.
func TestNetworkGradient(t *testing.T) {
	for name, topo := range networkCases(t) {
		t.Run(name, func(t *testing.T) {
			n, b, o, l := smoothNetwork(t, topo)
			l.plain(n, b)
			n.normalize(0, normBatch)
			loss := func() float64 {
				for _, p := range n.params {
					p.refresh(true)
				}
				n.forward(b, n.levels)
				return o.total(o.evaluate(n, false))
			}
			n.forward(b, n.levels)
			o.evaluate(n, true)
			n.backward()
			r := rand.New(rand.NewPCG(21, 22))
			for _, p := range n.params {
				grad := append([]float32(nil), p.grad...)
				directions := [][]float32{grad}
				for range 3 {
					d := make([]float32, len(grad))
					for i := range d {
						d[i] = float32(r.NormFloat64())
					}
					directions = append(directions, d)
				}
				length := math.Sqrt(dot(grad, grad))
				if length == 0 {
					t.Errorf("gradient of %s is all zero: the check shows nothing", p.name)
					continue
				}
				for _, d := range directions {
					checkSlope(t, p, grad, d, length, loss)
				}
			}
		})
	}
}

// checkSlope compares the slope of the loss along d with the gradient's.
func checkSlope(t *testing.T, p *param, grad, d []float32, length float64, loss func() float64) {
	t.Helper()
	was := append([]float32(nil), p.latent...)
	unit := 1 / math.Sqrt(dot(d, d))
	at := func(step float64) float64 {
		for i := range d {
			p.latent[i] = was[i] + float32(step*unit*float64(d[i]))
		}
		return loss()
	}
	got := dot(grad, d) * unit
	var slopes []float64
	for _, step := range networkSteps {
		want := (at(step) - at(-step)) / (2 * step)
		if slopes = append(slopes, want); math.Abs(got-want) <= networkTolerance*max(length, smallSlope) {
			break
		}
	}
	copy(p.latent, was)
	loss()
	if len(slopes) == len(networkSteps) && math.Abs(got-slopes[len(slopes)-1]) > networkTolerance*max(length, smallSlope) {
		t.Errorf("slope of the loss along a direction of %s is %v by the gradient, %v by differences (gradient's length %v)", p.name, got, slopes, length)
	}
}

func dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// What a view shows must not matter where it is not seen: the loss and all
// gradients stay the same bits when its pixels change.
func TestUnseenViewIsNotRead(t *testing.T) {
	topo := smallTopology(t, "c", 3)
	run := func(fill byte) []float32 {
		n, b, o, l := smoothNetwork(t, topo)
		b.reset()
		b.add(1, 0b001)
		b.add(2, 0b011)
		set := *o.set
		set.Pixels = append([]byte(nil), set.Pixels...)
		for _, v := range [][2]int{{1, 1}, {1, 2}, {2, 2}} {
			for i := range set.View(v[0], v[1]) {
				set.View(v[0], v[1])[i] = fill
			}
		}
		o.set, l.set = &set, &set
		l.plain(n, b)
		n.normalize(0, normBatch)
		n.forward(b, n.levels)
		o.evaluate(n, true)
		n.backward()
		var all []float32
		for _, p := range n.params {
			all = append(all, p.grad...)
		}
		return append(all, n.cloudScores...)
	}
	black, white := run(0), run(255)
	for i := range black {
		if math.Float32bits(black[i]) != math.Float32bits(white[i]) {
			t.Fatalf("gradient or score %d changes with the pixels of an unseen view", i)
		}
	}
}

// A view without a label is ignored at its own exit and nowhere else.
func TestLabelsMaskLosses(t *testing.T) {
	topo := smallTopology(t, "c", 3)
	n, b, o, l := smoothNetwork(t, topo)
	l.plain(n, b)
	n.forward(b, n.levels)
	before := o.evaluate(n, true)
	set := *o.set
	set.ViewLabels = append([]int(nil), set.ViewLabels...)
	view := nth(b.examples[0].seen, 0)
	set.ViewLabels[view] = dataset.NotPresent
	o.set = &set
	after := o.evaluate(n, true)
	if got, want := after[HeadDevice].Count, before[HeadDevice].Count-1; got != want {
		t.Errorf("%d labelled views, want %d", got, want)
	}
	if after[HeadLocal] != before[HeadLocal] || after[HeadCloud] != before[HeadCloud] {
		t.Error("the exits' figures changed with the label of a view")
	}
	row := b.deviceRow[view]
	for k, g := range n.dDeviceScores[topo.DeviceSection(view)][row*3:][:3] {
		if g != 0 {
			t.Errorf("gradient of unlabelled score %d is %v, want 0", k, g)
		}
	}
}

// Statistics are measured level by level: after estimating, a forward pass with
// them normalizes the same data to mean 0 and variance 1 before gamma and beta,
// at every level.
func TestPopulationStatistics(t *testing.T) {
	for name, topo := range networkCases(t) {
		t.Run(name, func(t *testing.T) {
			n, b, _, l := smoothNetwork(t, topo)
			l.plain(n, b)
			for level := range n.levels {
				n.normalize(level, normCollect)
				for _, norm := range n.norms {
					norm.forget()
				}
				n.forward(b, level+1)
				for _, norm := range n.norms {
					if norm.level == level {
						norm.settle()
					}
				}
			}
			n.normalize(n.levels, normFixed)
			n.forward(b, n.levels)
			for i, norm := range n.norms {
				norm.src = nil
				if norm.rows == 0 {
					t.Errorf("norm %d has seen no rows", i)
					continue
				}
				for c := range norm.channels {
					var m moments
					for row := range norm.rows {
						for _, v := range norm.normalized[(row*norm.channels+c)*norm.pixels:][:norm.pixels] {
							m.add(moments{count: 1, mean: float64(v)})
						}
					}
					if math.Abs(m.mean) > 1e-3 || math.Abs(m.squares/m.count-1) > 1e-2 && norm.variance[c] > 1e-3 {
						t.Errorf("norm %d, channel %d: mean %v, variance %v, want 0 and 1", i, c, m.mean, m.squares/m.count)
					}
				}
			}
		})
	}
}
