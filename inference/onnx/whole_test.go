package onnx_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	mathbits "math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"ganglion/inference"
	"ganglion/inference/onnx"
	"ganglion/inference/safetensors"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// The whole network, aggregation and exit rule included, must answer as the nodes do,
// with whatever views there are.
func TestWholeByDefinition(t *testing.T) {
	for _, test := range topologies {
		t.Run(test.name, func(t *testing.T) {
			b := seal(t, seeded(t, test.yaml, test.seed).Content)
			samples := 8
			if b.Topology().Input.Size() > 1000 {
				samples = 2 // plain loops take long
			}
			judgeRandom(t, b, byDefinition, someSubsets(len(b.Topology().Views)), samples)
		})
	}
}

// The thresholds that a network is written with decide what exits where.
func TestWholeHasThresholds(t *testing.T) {
	b := seal(t, network(t, topologies[1].yaml).Content)
	n := onnx.Network{Topology: b.Topology(), Content: b.Content()}
	for _, test := range []struct {
		local, edge float64
		want        topology.Exit
	}{{1, 1, topology.ExitLocal}, {0, 1, topology.ExitEdge}, {0, 0, topology.ExitCloud}} {
		thresholds, err := inference.NewThresholds(b.Topology(), map[topology.Exit][]float64{
			topology.ExitLocal: {test.local}, topology.ExitEdge: {test.edge},
		})
		if err != nil {
			t.Fatal(err)
		}
		pixels := randomSamples(b.Topology(), 1)[0]
		outputs := byDefinition(t, n.Whole(thresholds), 1)(slices.Concat(pixels...), []bool{true, true, true, true})
		if got := outputs[onnx.ExitName].data[0]; got != float64(test.want) {
			t.Errorf("with the thresholds %v and %v it exits at %v, want %v", test.local, test.edge, got, test.want)
		}
	}
}

// A tensor has one name in both ways out: who looks at a graph finds its weights in the
// file of weights.
func TestNamesAreThoseOfSafetensors(t *testing.T) {
	for _, test := range topologies {
		b := seal(t, network(t, test.yaml).Content)
		n := onnx.Network{Topology: b.Topology(), Content: b.Content()}
		constants := decodeModel(t, n.Whole(b.Thresholds()).Model).graph.constants
		file, err := safetensors.Export(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range file.Tensors {
			got, there := constants[want.Name]
			if !there || !slices.Equal(got.dims, want.Shape) {
				t.Fatalf("%s: %s %v: in the graph %t, %v", test.name, want.Name, want.Shape, there, got.dims)
			}
			for i, v := range got.data {
				if v != float64(math.Float32frombits(binary.LittleEndian.Uint32(want.Data[4*i:]))) {
					t.Fatalf("%s: %s differs at %d", test.name, want.Name, i)
				}
			}
		}
	}
}

// A judge that cannot condemn is none: every fault of this list, planted in a network
// of random weights, must be found without any library.
func TestFaultsByDefinition(t *testing.T) {
	b := seal(t, network(t, "{preset: c, views: 3, classes: [a, b, c], input: {rows: 12, cols: 12}}").Content)
	samples, subsets := randomSamples(b.Topology(), 4), someSubsets(3)
	plantFaults(t, exiting(t, b, samples, subsets), byDefinition, subsets, samples, false)
}

// exiting is the bundle with thresholds in the midst of what these samples make of
// every exit, by the number of views seen, so that some exit there and some go on: in
// the widest gap, so that roundings decide nothing.
func exiting(t *testing.T, b *inference.Bundle, samples [][][]byte, subsets []uint64) *inference.Bundle {
	t.Helper()
	scratch, outputs := b.Model().NewScratch(), b.Model().NewDeviceOutputs()
	exits, views := b.Topology().Exits(), len(b.Topology().Views)
	entropies := map[topology.Exit][][]float64{} // [views seen - 1]
	for _, exit := range exits[:len(exits)-1] {
		entropies[exit] = make([][]float64, views)
	}
	for _, pixels := range samples {
		b.Model().Devices(outputs, pixels, scratch)
		for _, subset := range subsets {
			for _, p := range b.Model().Propose(outputs, subset, scratch) {
				if of := entropies[p.Exit]; of != nil {
					of[p.Seen-1] = append(of[p.Seen-1], p.Entropy)
				}
			}
		}
	}
	bySeen := map[topology.Exit][]float64{}
	for exit, of := range entropies {
		least := 0.0 // thresholds must not decrease
		for _, all := range of {
			least = widestGap(all, least)
			bySeen[exit] = append(bySeen[exit], least)
		}
	}
	thresholds, err := inference.NewThresholds(b.Topology(), bySeen)
	if err != nil {
		t.Fatal(err)
	}
	made, err := b.WithThresholds(thresholds, "the middle of a few samples")
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func seal(t *testing.T, content *modelpb.Bundle) *inference.Bundle {
	t.Helper()
	b, err := inference.NewBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// newJudge holds the kernels of one bundle against the foreign run of another: the
// same one, unless a fault was planted.
func newJudge(t *testing.T, judged, written *inference.Bundle, run wholeRunner, subsets []uint64) *judge {
	t.Helper()
	n := onnx.Network{Topology: written.Topology(), Content: written.Content()}
	return &judge{
		model: judged.Model(), thresholds: judged.Thresholds(), subsets: subsets,
		foreign: run(t, n.Whole(written.Thresholds()), len(subsets)),
		done:    judgement{margin: math.Inf(1)},
	}
}

// widestGap is the middle of the widest gap between values that are not below least;
// least where there is none.
func widestGap(values []float64, least float64) float64 {
	slices.Sort(values)
	middle, gap := least, 0.0
	for i := range len(values) - 1 {
		if from := max(least, values[i]); values[i+1]-from > gap {
			middle, gap = from+(values[i+1]-from)/2, values[i+1]-from
		}
	}
	return middle
}

// randomSamples are noise about a level of each view, [sample][view]. Of every other
// sample one view has nothing in it.
func randomSamples(t *topology.Topology, n int) [][][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	samples := make([][][]byte, n)
	for i := range samples {
		for v := range t.Views {
			pixels := make([]byte, t.Input.Size())
			level, noise := random.IntN(256), 1+random.IntN(255)
			for k := range pixels {
				if i%2 == 0 || v != i%len(t.Views) {
					pixels[k] = byte(min(255, max(0, level+random.IntN(2*noise)-noise)))
				}
			}
			samples[i] = append(samples[i], pixels)
		}
	}
	return samples
}

func judgeRandom(t *testing.T, b *inference.Bundle, run wholeRunner, subsets []uint64, n int) {
	t.Helper()
	samples := randomSamples(b.Topology(), n)
	b = exiting(t, b, samples, subsets)
	j := newJudge(t, b, b, run, subsets)
	for i, pixels := range samples {
		if err := j.sample(pixels); err != nil {
			t.Fatalf("sample %d: %v", i, err)
		}
	}
	t.Log(&j.done)
	if j.done.bits == 0 || j.done.scores == 0 || j.done.verdicts != n*len(subsets) {
		t.Error("compared too little")
	}
	for _, exit := range b.Topology().Exits() {
		if j.done.exits[exit] == 0 {
			t.Errorf("no sample was answered by the %s exit", exit)
		}
	}
}

// fault is what a wrong kernel would do.
type fault struct {
	name   string
	edit   func(*modelpb.Bundle)          // of the weights that the kernels are made from
	tamper func(*inference.DeviceOutputs) // of what they send
	fine   bool                           // found on many samples of real views, not on little noise
}

// faults are planted one at a time. A kernel takes its thresholds from the batch
// norms when it is made, so a wrong norm makes the kernel of a wrong threshold.
var faults = []fault{
	{name: "a device's threshold is flipped", edit: func(b *modelpb.Bundle) { flip(b.GetDevices()[0].GetBlocks()[0].GetNorm()) }},
	{name: "a device's threshold is one step too high", fine: true, edit: func(b *modelpb.Bundle) {
		b.GetDevices()[0].GetBlocks()[0].GetNorm().GetMean()[1] += 1. / 255
	}},
	{name: "a cloud's threshold is flipped", edit: func(b *modelpb.Bundle) { flip(b.GetCloud().GetBlocks()[0].GetNorm()) }},
	{name: "the bits of features are swapped", tamper: func(d *inference.DeviceOutputs) { reverse(d.View(0).Features) }},
	{name: "the bits of a device's weights are swapped", edit: func(b *modelpb.Bundle) {
		packed := b.GetDevices()[0].GetBlocks()[0].GetWeights().GetBinary()
		reverse(packed[:len(packed)-1]) // the last byte may have unused bits
	}},
	{name: "the bits of the cloud's weights are swapped", edit: func(b *modelpb.Bundle) {
		reverse(b.GetCloud().GetBlocks()[0].GetWeights().GetBinary())
	}},
	{name: "a score is off by 1e-4", edit: func(b *modelpb.Bundle) { b.GetCloud().GetExit().GetNorm().GetBeta()[0] += 1e-4 }},
	{name: "a threshold of the exit rule is another", edit: func(b *modelpb.Bundle) {
		values := b.GetCalibration().GetExits()[0].GetBySeen()
		values[0] /= 2
	}},
}

// flip inverts what a filter makes of every sum.
func flip(n *modelpb.BatchNorm) { n.Gamma[1], n.Beta[1] = -n.Gamma[1], -n.Beta[1] }

// reverse swaps the bits within each byte.
func reverse(packed []byte) {
	for i, b := range packed {
		packed[i] = mathbits.Reverse8(b)
	}
}

// plantFaults fails unless the judge finds each fault, and nothing without one.
func plantFaults(t *testing.T, b *inference.Bundle, run wholeRunner, subsets []uint64, samples [][][]byte, fine bool) {
	t.Helper()
	for _, f := range append([]fault{{name: "none"}}, faults...) {
		if f.fine && !fine {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			content := proto.CloneOf(b.Content())
			if f.edit != nil {
				f.edit(content)
			}
			j := newJudge(t, seal(t, content), b, run, subsets)
			j.tamper = f.tamper
			var found error
			for i := 0; i < len(samples) && found == nil; i++ {
				found = j.sample(samples[i])
			}
			if none := f.name == "none"; (found == nil) != none {
				t.Errorf("found: %v", found)
			}
			t.Log(found)
		})
	}
}
