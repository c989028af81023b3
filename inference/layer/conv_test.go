package layer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/topology"
)

// By hand: what lies outside the map counts as zero, channels add up, and a kernel is
// applied unflipped (correlation, as every framework's convolution is).
func TestConvByHand(t *testing.T) {
	in := topology.Shape{Channels: 2, Rows: 2, Cols: 3}
	src := []float32{
		1, 2, 3,
		4, 5, 6,

		10, 0, 0,
		0, 0, 0,
	}
	weights := []float32{
		0, 0, 0, 0, 1, 0, 0, 0, 0 /* itself */, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 1, 0, 0, 0 /* its right neighbour */, 0, 1, 0, 0, 0, 0, 0, 0, 0, /* plus the one above, of channel 1 */
	}
	got := make([]float32, 12)
	NewConv(in, 2, weights).Apply(got, src)
	want := []float32{
		1, 2, 3,
		4, 5, 6,

		2, 3, 0,
		15, 6, 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got): %s", diff)
	}
}

// By hand: windows of 3x3 around every, or every second, element; padding never wins, not
// even over negative values.
func TestPoolByHand(t *testing.T) {
	in := topology.Shape{Channels: 1, Rows: 3, Cols: 4}
	src := []float32{
		-9, -2, -3, -4,
		-5, -6, -7, -1,
		-8, -8, -8, -8,
	}
	for _, row := range []struct {
		pool topology.Pool
		want []float32
	}{
		{topology.NoPool, src},
		{topology.Stride1, []float32{-2, -2, -1, -1, -2, -2, -1, -1, -5, -5, -1, -1}},
		{topology.Stride2, []float32{-2, -1, -5, -1}},
	} {
		got := make([]float32, len(row.want))
		if out := Pool(got, src, in, row.pool); out.Size() != len(row.want) {
			t.Errorf("stride %d: shape %v", row.pool, out)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("stride %d (-want +got): %s", row.pool, diff)
		}
	}
}

func TestDenseByHand(t *testing.T) {
	got := make([]float32, 2)
	Dense(got, []float32{1, 2, 3, 4, 5, 6}, []float32{0.5, -0.5}, []float32{1, 0, -1})
	if diff := cmp.Diff([]float32{-1.5, -2.5}, got); diff != "" {
		t.Errorf("with bias (-want +got): %s", diff)
	}
	Dense(got, []float32{1, 2, 3, 4, 5, 6}, nil, []float32{1, 0, -1})
	if diff := cmp.Diff([]float32{-2, -2}, got); diff != "" {
		t.Errorf("without bias (-want +got): %s", diff)
	}
}

// A length that does not fit is a programmer's mistake and must not pass unnoticed.
func TestLengthsAreChecked(t *testing.T) {
	in := topology.Shape{Channels: 1, Rows: 2, Cols: 2}
	conv := NewConv(in, 1, make([]float32, 9))
	for name, call := range map[string]func(){
		"weights": func() { NewConv(in, 2, make([]float32, 9)) },
		"input":   func() { conv.Apply(make([]float32, 4), make([]float32, 3)) },
		"output":  func() { conv.Apply(make([]float32, 5), make([]float32, 4)) },
		"pool":    func() { Pool(make([]float32, 3), make([]float32, 4), in, topology.Stride1) },
		"dense":   func() { Dense(make([]float32, 2), make([]float32, 3), nil, make([]float32, 2)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("a wrong length was accepted")
				}
			}()
			call()
		})
	}
}
