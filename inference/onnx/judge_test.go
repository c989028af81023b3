package onnx_test

import (
	"fmt"
	"math"
	"math/bits"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/onnx"
	"ganglion/inference/topology"
)

// entropyTolerance is how far a normalized entropy may be from ours: that of scores
// which differ by scoreTolerance.
const entropyTolerance = 1e-5

// wholeRunner makes a whole network ready for so many samples at once; the function
// it returns computes the outputs by name from pixels [sample, view, channel, row,
// col] and views [sample, view].
type wholeRunner func(t *testing.T, w *onnx.Whole, samples int) func(pixels []byte, views []bool) map[string]tensor

// judge holds the packed kernels of a model against the foreign run of its network.
type judge struct {
	model      *inference.Model // judged
	thresholds inference.Thresholds
	tamper     func(*inference.DeviceOutputs) // a fault planted between the tiers; nil: none
	foreign    func(pixels []byte, views []bool) map[string]tensor
	subsets    []uint64 // of views, tried with each sample
	done       judgement
}

// judgement counts what was found equal.
type judgement struct {
	bits, scores, verdicts int
	exits                  [4]int  // verdicts by topology.Exit
	score, entropy         float64 // largest differences
	margin                 float64 // the least distance of an entropy to its threshold
}

func (j *judgement) String() string {
	return fmt.Sprintf("%d feature bits: 0 differ; %d scores: %.1e apart at most, entropies %.1e; %d verdicts (none %d, local %d, edge %d, cloud %d): 0 differ; no entropy closer than %.1e to its threshold",
		j.bits, j.scores, j.score, j.entropy, j.verdicts, j.exits[0], j.exits[1], j.exits[2], j.exits[3], j.margin)
}

// sample compares everything that a sample makes both networks compute, with each of
// the subsets of its views. The pixels of a missing view are given to the foreign
// network all the same: its mask is judged, too.
func (j *judge) sample(pixels [][]byte) error {
	t := j.model.Topology()
	var batch []byte
	var views []bool
	for _, subset := range j.subsets {
		for v, p := range pixels {
			batch, views = append(batch, p...), append(views, subset>>v&1 == 1)
		}
	}
	foreign := j.foreign(batch, views)

	scratch, outputs := j.model.NewScratch(), j.model.NewDeviceOutputs()
	j.model.Devices(outputs, pixels, scratch)
	if j.tamper != nil {
		j.tamper(outputs)
	}
	for i, subset := range j.subsets {
		row := row{foreign, i, &j.done}
		seen := subset & outputs.Seen
		if err := j.devices(row, outputs, seen); err != nil {
			return fmt.Errorf("views %0*b: %w", len(t.Views), subset, err)
		}
		if err := j.edges(row, outputs, seen, scratch); err != nil {
			return fmt.Errorf("views %0*b: %w", len(t.Views), subset, err)
		}
		for _, p := range j.model.Propose(outputs, subset, scratch) {
			if err := j.proposal(row, p); err != nil {
				return fmt.Errorf("views %0*b: %s exit of group %d: %w", len(t.Views), subset, p.Exit, p.Group, err)
			}
		}
		if err := j.verdict(row, j.model.Answer(outputs, subset, j.thresholds, scratch)); err != nil {
			return fmt.Errorf("views %0*b: %w", len(t.Views), subset, err)
		}
	}
	return nil
}

func (j *judge) devices(r row, outputs *inference.DeviceOutputs, seen uint64) error {
	t := j.model.Topology()
	for v := range t.Views {
		there := seen>>v&1 == 1
		if got := r.values(onnx.SeenName, v, 1)[0] != 0; got != there {
			return fmt.Errorf("view %d is seen: %t, onnx has %t", v, there, got)
		}
		out := outputs.View(v)
		if err := r.features(onnx.FeaturesName, v, t.DeviceOut(), out.Features, there); err != nil {
			return fmt.Errorf("view %d: %w", v, err)
		}
		if err := r.scores(onnx.DeviceScoresName, v, out.Scores, there); err != nil {
			return fmt.Errorf("view %d: %w", v, err)
		}
	}
	return nil
}

func (j *judge) edges(r row, outputs *inference.DeviceOutputs, seen uint64, scratch *inference.Scratch) error {
	t := j.model.Topology()
	if t.Edge == nil {
		return nil
	}
	var features [][]byte
	for v := range t.Views {
		features = append(features, outputs.View(v).Features)
	}
	for g := range t.Groups {
		out, there := j.model.NewEdgeOutput(), seen&t.GroupMask(g) != 0
		if there {
			j.model.Edge(g, features, seen&t.GroupMask(g), out, scratch)
		}
		if err := r.features(onnx.EdgeFeaturesName, g, t.EdgeOut(), out.Features, there); err != nil {
			return fmt.Errorf("edge %d: %w", g, err)
		}
		if err := r.scores(onnx.EdgeScoresName, g, out.Scores, there); err != nil {
			return fmt.Errorf("edge %d: %w", g, err)
		}
	}
	return nil
}

func (j *judge) proposal(r row, p inference.Proposal) error {
	names := map[topology.Exit][2]string{
		topology.ExitLocal: {onnx.LocalScoresName, onnx.LocalEntropyName},
		topology.ExitEdge:  {onnx.EdgeScoresName, onnx.EdgeEntropyName},
		topology.ExitCloud: {onnx.CloudScoresName, onnx.CloudEntropyName},
	}[p.Exit]
	if err := r.scores(names[0], p.Group, p.Scores, true); err != nil {
		return err
	}
	if p.Exit != topology.ExitCloud {
		j.done.margin = min(j.done.margin, math.Abs(p.Entropy-j.thresholds.At(p.Exit, p.Seen)))
	}
	return r.entropy(names[1], p.Group, p.Entropy)
}

func (j *judge) verdict(r row, want inference.Verdict) error {
	group, scores, entropy := 0, make([]float32, len(j.model.Topology().Classes)), 1.0
	if want.Exit != topology.ExitNone {
		p := want.Proposals[len(want.Proposals)-1]
		group, scores, entropy = p.Group, p.Scores, p.Entropy
	}
	for _, part := range []struct {
		name string
		want int
	}{{onnx.ExitName, int(want.Exit)}, {onnx.GroupName, group}, {onnx.ClassName, want.Class}} {
		if got := r.values(part.name, 0, 1)[0]; got != float64(part.want) {
			return fmt.Errorf("%s is %d, onnx has %v", part.name, part.want, got)
		}
	}
	if err := r.scores(onnx.ScoresName, 0, scores, true); err != nil {
		return err
	}
	r.done.verdicts++
	r.done.exits[want.Exit]++
	return r.entropy(onnx.EntropyName, 0, entropy)
}

// row is what a foreign run made of one sample of its batch.
type row struct {
	outputs map[string]tensor
	sample  int
	done    *judgement
}

// values are part i, of so many elements, of an output.
func (r row) values(name string, i, size int) []float64 {
	data := r.outputs[name].data
	per := len(data) / r.outputs[name].dims[0]
	return data[r.sample*per+i*size:][:size]
}

// features compares a packed map; what was not seen has to be zeros.
func (r row) features(name string, i int, shape topology.Shape, packed []byte, seen bool) error {
	for k, got := range r.values(name, i, shape.Size()) {
		bit := k%shape.Pixels()*shape.Channels + k/shape.Pixels()
		want := 0.0
		if seen {
			want = float64(int(packed[bit/8]>>(bit%8)&1)*2 - 1)
			r.done.bits++
		}
		if got != want {
			return fmt.Errorf("feature %d of %s is %v, onnx has %v", k, shape, want, got)
		}
	}
	return nil
}

// scores compares the scores of an exit, of which there are none where it is nil.
func (r row) scores(name string, i int, scores []float32, seen bool) error {
	if _, there := r.outputs[name]; there != (scores != nil) {
		return fmt.Errorf("onnx has %s: %t", name, there)
	}
	if scores == nil {
		return nil
	}
	for class, got := range r.values(name, i, len(scores)) {
		want := 0.0
		if seen {
			want = float64(scores[class])
			r.done.scores++
		}
		apart := math.Abs(got-want) / max(1, math.Abs(want))
		if !(apart <= scoreTolerance) {
			return fmt.Errorf("score of class %d is %v, onnx has %v", class, want, got)
		}
		r.done.score = max(r.done.score, apart)
	}
	return nil
}

func (r row) entropy(name string, i int, want float64) error {
	got := r.values(name, i, 1)[0]
	if !(math.Abs(got-want) <= entropyTolerance) {
		return fmt.Errorf("entropy is %v, onnx has %v", want, got)
	}
	r.done.entropy = max(r.done.entropy, math.Abs(got-want))
	return nil
}

// someSubsets are no view, every view, and some between.
func someSubsets(views int) []uint64 {
	all := ^uint64(0) >> (64 - views)
	subsets := []uint64{0, all, 1, 1 << (views - 1), 0b101010 & all, all >> 1}
	return subsets[:2+min(4, bits.Len64(all))]
}

// byDefinition runs a whole network by the operators' definitions.
func byDefinition(t *testing.T, w *onnx.Whole, samples int) func([]byte, []bool) map[string]tensor {
	t.Helper()
	g := decodeModel(t, w.Model).graph
	return func(pixels []byte, views []bool) map[string]tensor {
		inputs := map[string]tensor{}
		for _, in := range w.Inputs {
			dims := []int{samples}
			for _, d := range in.Shape[1:] {
				dims = append(dims, int(d))
			}
			inputs[in.Name] = newTensor(in.Type, dims...)
		}
		for i, p := range pixels {
			inputs[onnx.PixelsName].data[i] = float64(p)
		}
		for i, there := range views {
			if there {
				inputs[onnx.ViewsName].data[i] = 1
			}
		}
		return g.evaluate(t, inputs)
	}
}

// A whole network must declare what it takes and makes, name its views and classes,
// and carry the thresholds that it was written with.
func TestWholeDeclares(t *testing.T) {
	for _, test := range topologies {
		t.Run(test.name, func(t *testing.T) {
			b := seal(t, network(t, test.yaml).Content)
			n := onnx.Network{Topology: b.Topology(), Content: b.Content()}
			w := n.Whole(b.Thresholds())
			m := decodeModel(t, w.Model)
			m.declares(t, "whole", w.Inputs, w.Outputs)
			views := len(b.Topology().Views)
			m.graph.computes(t, "whole", 3, byDefinition(t, w, 3)(make([]byte, 3*views*b.Topology().Input.Size()), make([]bool, 3*views)))
			for _, exit := range b.Topology().Exits() {
				table, there := m.graph.constants[onnx.ThresholdsName(exit)]
				if there != (exit != topology.ExitCloud) {
					t.Errorf("thresholds of the %s exit: %t", exit, there)
				}
				for i, got := range table.data {
					if want := b.Thresholds().At(exit, i+1); got != want {
						t.Errorf("threshold of the %s exit with %d views: %v, want %v", exit, i+1, got, want)
					}
				}
			}
			want := map[string]string{"views": jsonText(t, b.Topology().Views), "classes": jsonText(t, b.Topology().Classes)}
			if diff := cmp.Diff(want, m.notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}
