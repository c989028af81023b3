//go:build !onnxruntime || !cgo

package onnxruntime_test

import (
	"errors"
	"testing"

	"ganglion/inference/onnx/onnxruntime"
)

// A build without the runtime must say so itself, whatever file it is given.
func TestOpenWithoutRuntime(t *testing.T) {
	if r, err := onnxruntime.Open("lib.so"); !errors.Is(err, onnxruntime.ErrNotBuilt) {
		t.Errorf("opened %v, %v, want ErrNotBuilt", r, err)
	}
}
