//go:build onnxruntime && cgo

package onnx_test

import (
	"errors"
	"os"
	"testing"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/onnx"
	"ganglion/inference/onnx/onnxruntime"
)

// openRuntime loads the library, for one test at a time. Where none is installed the
// test is skipped; a library that was named and is not there is a failure, or whoever
// named it would take the silence for a judgement.
func openRuntime(t *testing.T) *onnxruntime.Runtime {
	t.Helper()
	library, err := onnxruntime.Find("")
	if errors.Is(err, onnxruntime.ErrNotFound) && os.Getenv(onnxruntime.EnvLibrary) == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	runtime, err := onnxruntime.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runtime.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("onnxruntime %s", runtime.Version)
	return runtime
}

// onnxruntime must compute what the network does: only then does it judge the kernels,
// and only then are the times of `ganglion bench kernels` times of the same thing.
func TestSectionsByOnnxruntime(t *testing.T) {
	runtime := openRuntime(t)
	compareAll(t, 20, func(t *testing.T, s *onnx.Section) func([]float32) [][]float32 {
		t.Helper()
		session, err := runtime.Prepare(s)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := session.Close(); err != nil {
				t.Error(err)
			}
		})
		return func(input []float32) [][]float32 {
			copy(session.Input, input)
			if err := session.Run(); err != nil {
				t.Fatal(err)
			}
			return session.Outputs
		}
	})
}

// byOnnxruntime runs a whole network by onnxruntime.
func byOnnxruntime(runtime *onnxruntime.Runtime) wholeRunner {
	return func(t *testing.T, w *onnx.Whole, samples int) func([]byte, []bool) map[string]tensor {
		t.Helper()
		batch, err := runtime.PrepareWhole(w, samples)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := batch.Close(); err != nil {
				t.Error(err)
			}
		})
		return func(pixels []byte, views []bool) map[string]tensor {
			if copy(batch.Pixels, pixels) != len(batch.Pixels) || copy(batch.Views, views) != len(batch.Views) {
				t.Fatalf("%d pixels and %d views for a batch of %d", len(pixels), len(views), samples)
			}
			if err := batch.Run(); err != nil {
				t.Fatal(err)
			}
			outputs := map[string]tensor{}
			for i, o := range w.Outputs {
				out := tensor{kind: o.Type, dims: axes(o)}
				out.dims[0] = samples
				out.data = numbers(batch.Outputs[i])
				if len(out.data) != size(out.dims) {
					t.Fatalf("output %s has %d elements, want %v", o.Name, len(out.data), out.dims)
				}
				outputs[o.Name] = out
			}
			return outputs
		}
	}
}

// numbers are the elements of an output, whatever their type.
func numbers(o onnxruntime.Output) []float64 {
	data := append([]float64(nil), o.Float64...)
	for _, v := range o.Float32 {
		data = append(data, float64(v))
	}
	for _, v := range o.Int64 {
		data = append(data, float64(v))
	}
	for _, v := range o.Bool {
		if v {
			data = append(data, 1)
		} else {
			data = append(data, 0)
		}
	}
	return data
}

// Every kind of tier, aggregator and layer, with every subset of its views.
func TestWholeByOnnxruntime(t *testing.T) {
	runtime := openRuntime(t)
	for _, test := range topologies {
		t.Run(test.name, func(t *testing.T) {
			b := seal(t, seeded(t, test.yaml, test.seed).Content)
			judgeRandom(t, b, byOnnxruntime(runtime), allSubsets(len(b.Topology().Views)), 10)
		})
	}
}

// The judgement: the embedded model on every one of its test samples, with every
// subset of its views. Not a feature bit, a class or an exit may differ.
func TestJudge(t *testing.T) {
	runtime := openRuntime(t)
	b, samples := embedded(t)
	j := newJudge(t, b, b, byOnnxruntime(runtime), allSubsets(len(b.Topology().Views)))
	for i, pixels := range samples {
		if err := j.sample(pixels); err != nil {
			t.Fatalf("test sample %d: %v", i, err)
		}
	}
	if want := len(samples) * len(j.subsets); j.done.verdicts != want || want == 0 || j.done.exits[1] == 0 || j.done.exits[3] == 0 {
		t.Errorf("%d verdicts by exit %v, want %d of both kinds", j.done.verdicts, j.done.exits, want)
	}
	t.Logf("%d test samples with %d subsets of views: %v", len(samples), len(j.subsets), &j.done)
}

// A judge that cannot condemn is none: each fault, planted in the kernels of the
// embedded model, must be found on its test samples.
func TestJudgeFindsFaults(t *testing.T) {
	runtime := openRuntime(t)
	b, samples := embedded(t)
	plantFaults(t, b, byOnnxruntime(runtime), allSubsets(len(b.Topology().Views)), samples, true)
}

// allSubsets are those of up to so many views.
func allSubsets(views int) []uint64 {
	subsets := make([]uint64, 1<<views)
	for i := range subsets {
		subsets[i] = uint64(i)
	}
	return subsets
}

// embedded is the model that the program carries and every one of its test samples.
func embedded(t *testing.T) (*inference.Bundle, [][][]byte) {
	t.Helper()
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open("street", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	indices, found, err := evaluation.Remembered(b, set, evaluation.Test)
	if err != nil || !found {
		t.Fatalf("the embedded model's test samples: found %t, %v", found, err)
	}
	var samples [][][]byte
	for _, i := range indices {
		var pixels [][]byte
		for v := range set.Views {
			pixels = append(pixels, set.View(i, v))
		}
		samples = append(samples, pixels)
	}
	return b, samples
}
