package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"ganglion/inference"
	"ganglion/inference/onnx"
	"ganglion/inference/onnx/onnxruntime"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
)

// kernelSection is one section on one sample: how each contender runs it, and what
// the plain network makes of it.
type kernelSection struct {
	name    string
	packed  func()
	naive   func()
	foreign *onnx.Section
	input   []float32   // of foreign
	outputs [][]float32 // of foreign, as the plain network has them
}

// kernelSections are the device section of the first view and the cloud section, on
// one random sample of which every view is seen.
func kernelSections(b *inference.Bundle) []kernelSection {
	t, m, content := b.Topology(), b.Model(), b.Content()
	naive := reference.Network{Topology: t, Content: content}
	export := onnx.Network{Topology: t, Content: content}
	pixels := samplePixels(t)
	want := naive.Forward(pixels, t.AllViews())

	device := kernelSection{name: "device", foreign: export.Device(0), input: make([]float32, t.Input.Size())}
	out, scratch := m.NewOutput(), m.NewDeviceScratch()
	device.packed = func() { m.Device(0, pixels[0], out, scratch) }
	device.naive = func() { naive.Device(0, pixels[0]) }
	onnx.Preprocess(device.input, pixels[0])
	device.outputs = [][]float32{want.Features[0].Data}
	if scores := want.DeviceScores[0]; scores != nil {
		device.outputs = append(device.outputs, scores)
	}

	cloud := kernelSection{name: "cloud", foreign: export.Cloud(), input: make([]float32, t.CloudIn().Size())}
	sources := want.Features
	if t.Edge != nil {
		sources = want.EdgeFeatures
	}
	seen := uint64(1)<<(len(sources)-1)<<1 - 1
	features, scores, whole := cloudFeatures(m, pixels), make([]float32, len(t.Classes)), m.NewScratch()
	cloud.packed = func() { m.Cloud(scores, features, seen, whole) }
	cloud.naive = func() { naive.Cloud(sources, seen) }
	onnx.Aggregate(cloud.input, t.Cloud.Features, unwrapped(sources), seen)
	cloud.outputs = [][]float32{want.Cloud}
	return []kernelSection{device, cloud}
}

// samplePixels are noise [view][channel, row, col].
func samplePixels(t *topology.Topology) [][]byte {
	random := rand.New(rand.NewPCG(1, 0))
	pixels := make([][]byte, len(t.Views))
	for v := range pixels {
		pixels[v] = make([]byte, t.Input.Size())
		for i := range pixels[v] {
			pixels[v][i] = byte(random.Uint32())
		}
		pixels[v][0] |= 1 // present by every rule
	}
	return pixels
}

// cloudFeatures are the packed features [source] that the cloud takes.
func cloudFeatures(m *inference.Model, pixels [][]byte) [][]byte {
	t, scratch, devices := m.Topology(), m.NewScratch(), m.NewDeviceOutputs()
	m.Devices(devices, pixels, scratch)
	var views [][]byte
	for v := range t.Views {
		views = append(views, devices.View(v).Features)
	}
	if t.Edge == nil {
		return views
	}
	var groups [][]byte
	for g := range t.Groups {
		out := m.NewEdgeOutput()
		m.Edge(g, views, t.GroupMask(g), out, scratch)
		groups = append(groups, out.Features)
	}
	return groups
}

func unwrapped(maps []reference.Map) [][]float32 {
	var data [][]float32
	for _, m := range maps {
		data = append(data, m.Data)
	}
	return data
}

// time lets the contenders race, with onnxruntime among them unless r is nil.
func (s *kernelSection) time(ctx context.Context, r *onnxruntime.Runtime, rounds int, turn time.Duration) (timings *sectionTimings, err error) {
	packed := &contender{name: "packed kernels", run: always(s.packed)}
	naive := &contender{name: "naive float32", run: always(s.naive)}
	contenders := []*contender{packed, naive}
	var foreign *contender
	if r != nil {
		var session *onnxruntime.Session
		if session, err = s.prepare(r); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, session.Close()) }()
		foreign = &contender{name: "onnxruntime", run: session.Run, foreign: true}
		contenders = append(contenders, foreign)
	}
	if err := race(ctx, contenders, rounds, turn); err != nil {
		return nil, err
	}
	timings = &sectionTimings{Section: s.name, Packed: packed.timing(), Naive: naive.timing()}
	timings.OverNaive = timings.Naive.BestNS / timings.Packed.BestNS
	if foreign != nil {
		timings.Onnxruntime = foreign.timing()
		over := timings.Onnxruntime.BestNS / timings.Packed.BestNS
		timings.OverOnnxruntime = &over
	}
	return timings, nil
}

func always(run func()) func() error {
	return func() error { run(); return nil }
}

// prepare readies the section for onnxruntime and checks that it computes what the
// network does there: its time would mean nothing otherwise.
func (s *kernelSection) prepare(r *onnxruntime.Runtime) (*onnxruntime.Session, error) {
	session, err := r.Prepare(s.foreign)
	if err != nil {
		return nil, err
	}
	copy(session.Input, s.input)
	err = session.Run()
	for i, output := range s.foreign.Outputs {
		if err != nil {
			break
		}
		if err = near(session.Outputs[i], s.outputs[i]); err != nil {
			err = fmt.Errorf("onnxruntime %s computes other %s: %w; try another version of it", r.Version, output.Name, err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return session, nil
}

// foreignTolerance is how far a float runtime may be from the network, relative to
// values that are larger than 1: it sums in another order. Features are signs, which
// are equal or 2 apart.
const foreignTolerance = 1e-5

func near(got, want []float32) error {
	for i, w := range want {
		if difference := math.Abs(float64(got[i]) - float64(w)); !(difference <= foreignTolerance*max(1, math.Abs(float64(w)))) {
			return fmt.Errorf("element %d is %v, not %v", i, got[i], w)
		}
	}
	return nil
}

// paperViews is the number of cameras of section IV of the paper.
const paperViews = 6

// kernelBundle is the network to time: a bundle's, or random weights for a topology.
func kernelBundle(o kernelOptions) (*inference.Bundle, error) {
	if o.model != "" {
		return inference.ReadBundle(o.model)
	}
	t, err := topology.Open(o.topology, topology.Base{
		Views: topology.ViewNames(o.views), Classes: []string{"car", "bus", "person"},
	})
	if err != nil {
		return nil, err
	}
	return inference.NewBundle(reference.Random(t, 1))
}
