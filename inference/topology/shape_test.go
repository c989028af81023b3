package topology

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A pool of stride 2 with one pixel of padding rounds up: the shapes that every
// section is built from stand on it.
func TestBlockOut(t *testing.T) {
	tests := []struct {
		block Block
		in    Shape
		want  Shape
	}{
		{Block{4, Stride2}, Shape{3, 32, 32}, Shape{4, 16, 16}},
		{Block{4, Stride2}, Shape{3, 5, 8}, Shape{4, 3, 4}},
		{Block{16, Stride1}, Shape{24, 16, 16}, Shape{16, 16, 16}},
		{Block{16, NoPool}, Shape{24, 7, 9}, Shape{16, 7, 9}},
	}
	for _, tt := range tests {
		if got := tt.block.Out(tt.in); got != tt.want {
			t.Errorf("%+v of %s = %s, want %s", tt.block, tt.in, got, tt.want)
		}
	}
	s := Shape{3, 5, 7}
	if s.Size() != 105 || s.Pixels() != 35 || s.PackedBytes() != 14 || s.String() != "3 x 5 x 7" {
		t.Errorf("size %d, pixels %d, packed %d, text %q", s.Size(), s.Pixels(), s.PackedBytes(), s)
	}
}

// Sets of views are bits of one word, up to the last.
func TestViewSets(t *testing.T) {
	f := mustPreset(t, "f", sixCameras())
	if got, want := []uint64{f.GroupMask(0), f.GroupMask(1), f.AllViews()}, []uint64{0b111, 0b111000, 0b111111}; !cmp.Equal(got, want) {
		t.Errorf("masks of two groups and of all %b, want %b", got, want)
	}
	if got := []int{f.GroupOf(2), f.GroupOf(3), f.GroupOf(6)}; !cmp.Equal(got, []int{0, 1, -1}) {
		t.Errorf("groups of views 2, 3 and 6: %v", got)
	}
	if got := wide().AllViews(); got != math.MaxUint64 {
		t.Errorf("all of %d views: %b", MaxViews, got)
	}
	elastic := mustPreset(t, "elastic", sixCameras())
	if f.DeviceSection(3) != 3 || f.DeviceSections() != 6 || elastic.DeviceSection(3) != 0 || elastic.DeviceSections() != 1 {
		t.Error("device sections: want one per view, or one where they are shared")
	}
}

// Presence is decided from pixels alone.
func TestPresent(t *testing.T) {
	tests := []struct {
		rule   Presence
		pixels []byte
		want   bool
	}{
		{Nonzero, []byte{0, 0, 0}, false},
		{Nonzero, []byte{0, 0, 1}, true},
		{Nonzero, nil, false},
		{Always, []byte{0, 0, 0}, true},
	}
	for _, tt := range tests {
		if got := tt.rule.Present(tt.pixels); got != tt.want {
			t.Errorf("%s of %v = %v, want %v", tt.rule, tt.pixels, got, tt.want)
		}
	}
}

// Values print as the words of the files, and unknown ones do not panic.
func TestNames(t *testing.T) {
	got := []string{
		Binary.String(), Float.String(), MP.String(), AP.String(), CC.String(), Always.String(),
		ExitNone.String(), ExitLocal.String(), ExitEdge.String(), ExitCloud.String(), Exit(9).String(),
	}
	want := []string{"binary", "float", "MP", "AP", "CC", "always", "none", "local", "edge", "cloud", "unknown(9)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
