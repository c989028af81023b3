package bits

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/topology"
)

// TestWireFormat pins the format down by hand, without a helper of this
// package: bundles and messages of other versions rely on it.
func TestWireFormat(t *testing.T) {
	s := topology.Shape{Channels: 3, Rows: 2, Cols: 2}
	// Pixels in rows, each with its channels 0, 1, 2 from the low bit up.
	packed := []byte{0b01_101_110, 0b0000_111_1}
	want := map[[3]int]int{ // [channel, row, col]
		{0, 0, 0}: -1, {1, 0, 0}: 1, {2, 0, 0}: 1,
		{0, 0, 1}: 1, {1, 0, 1}: -1, {2, 0, 1}: 1,
		{0, 1, 0}: 1, {1, 1, 0}: -1, {2, 1, 0}: 1,
		{0, 1, 1}: 1, {1, 1, 1}: 1, {2, 1, 1}: 1,
	}
	if err := Check(s, packed); err != nil {
		t.Fatal(err)
	}
	m := make([]uint64, Words(s))
	Unpack(m, packed)
	for at, sign := range want {
		if got := At(m, s, at[0], at[1], at[2]); got != sign {
			t.Errorf("element %v is %+d, want %+d", at, got, sign)
		}
	}
}

// TestPackUnpack has lengths around whole words and bytes.
func TestPackUnpack(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, s := range []topology.Shape{
		{Channels: 4, Rows: 16, Cols: 16},
		{Channels: 1, Rows: 1, Cols: 1},
		{Channels: 5, Rows: 7, Cols: 13},
		{Channels: 1, Rows: 65, Cols: 3},
		{Channels: 1, Rows: 3, Cols: 21},
		{Channels: 64, Rows: 2, Cols: 3},
	} {
		x := randomSigns(r, s.Size())
		packed := wire(s, x)
		m := make([]uint64, Words(s))
		Unpack(m, packed)
		if diff := cmp.Diff(x, elements(s, m)); diff != "" {
			t.Errorf("%+v: elements differ (-want +got):\n%s", s, diff)
		}
		back := bytes.Repeat([]byte{0xff}, len(packed))
		Pack(back, m)
		if !bytes.Equal(back, packed) {
			t.Errorf("%+v: packed again is %x, want %x", s, back, packed)
		}
	}
}

// TestCheck has what a peer may send in place of a map.
func TestCheck(t *testing.T) {
	s := topology.Shape{Channels: 1, Rows: 3, Cols: 5}
	for _, tc := range []struct {
		name   string
		packed []byte
		want   string
	}{
		{"valid", []byte{0xff, 0x7f}, ""},
		{"short", []byte{0xff}, "15 bits take 2 bytes, not 1"},
		{"long", []byte{0xff, 0x7f, 0}, "15 bits take 2 bytes, not 3"},
		{"empty", nil, "15 bits take 2 bytes, not 0"},
		{"pad bit", []byte{0xff, 0xff}, "bits after the first 15 are not zero"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if err := Check(s, tc.packed); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("Check says %q, want %q", got, tc.want)
			}
		})
	}
}

// FuzzCheck: whatever Check accepts has one form only, so that two nodes with
// the same map have the same bytes.
func FuzzCheck(f *testing.F) {
	f.Add(uint8(4), uint8(16), uint8(16), make([]byte, 128))
	f.Add(uint8(1), uint8(3), uint8(5), []byte{0xff, 0x7f})
	f.Add(uint8(1), uint8(3), uint8(5), []byte{0xff, 0xff})
	f.Add(uint8(5), uint8(7), uint8(13), []byte("short"))
	f.Fuzz(func(t *testing.T, channels, rows, cols uint8, packed []byte) {
		s := topology.Shape{Channels: int(channels%64) + 1, Rows: int(rows) + 1, Cols: int(cols) + 1}
		if Check(s, packed) != nil {
			return
		}
		m := make([]uint64, Words(s))
		Unpack(m, packed)
		if got := wire(s, elements(s, m)); !bytes.Equal(got, packed) {
			t.Errorf("%+v: %x became %x", s, packed, got)
		}
		back := make([]byte, s.PackedBytes())
		Pack(back, m)
		if !bytes.Equal(back, packed) {
			t.Errorf("%+v: %x packed again is %x", s, packed, back)
		}
	})
}

// TestOr compares with the maximum of the elements of the seen maps, for every
// mask; an unseen map is not there at all.
func TestOr(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	s := topology.Shape{Channels: 3, Rows: 5, Cols: 7}
	for seen := range uint64(16) {
		want := fill(s.Size(), -1)
		src := make([][]uint64, 4)
		for i := range src {
			if seen>>i&1 == 0 {
				continue
			}
			x := randomSigns(r, s.Size())
			src[i] = memory(s, x)
			for j, v := range x {
				want[j] = max(want[j], v)
			}
		}
		got := make([]uint64, Words(s))
		Or(got, src, seen)
		if diff := cmp.Diff(want, elements(s, got)); diff != "" {
			t.Errorf("seen %#x: elements differ (-want +got):\n%s", seen, diff)
		}
	}
}
