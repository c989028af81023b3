package inference_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/proto/modelpb"
)

// Weights leave in two formats, whose readers know floats alone: the order of the bits is
// that of the file, lowest first.
func TestUnpack(t *testing.T) {
	got := inference.Unpack(&modelpb.Weights{Binary: []byte{0b1000_0101, 0b10}}, 10)
	if diff := cmp.Diff([]float32{1, -1, 1, -1, -1, -1, -1, 1, -1, 1}, got); diff != "" {
		t.Errorf("signs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float32{0.5, 2}, inference.Unpack(&modelpb.Weights{Real: []float32{0.5, 2}}, 2)); diff != "" {
		t.Errorf("floats (-want +got):\n%s", diff)
	}
}
