//go:build onnxruntime && cgo

package onnx_test

import (
	"errors"
	"testing"

	"ganglion/inference/onnx"
	"ganglion/inference/onnx/onnxruntime"
)

// onnxruntime must compute what the network does: only then does it judge the kernels,
// and only then are the times of `ganglion bench kernels` times of the same thing.
func TestSectionsByOnnxruntime(t *testing.T) {
	library, err := onnxruntime.Find("")
	if errors.Is(err, onnxruntime.ErrNotFound) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	runtime, err := onnxruntime.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := runtime.Close(); err != nil {
			t.Error(err)
		}
	}()
	t.Logf("onnxruntime %s", runtime.Version)
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
