package bits

import (
	"encoding/binary"
	"fmt"

	"ganglion/inference/topology"
)

// Words is the length of a map of shape s in memory, in uint64s.
func Words(s topology.Shape) int { return (s.Size() + 63) / 64 }

// Unpack makes the map in memory from its bytes on the wire. It panics if dst
// is not exactly as long as src needs; the bytes must have passed [Check].
func Unpack(dst []uint64, src []byte) {
	mustLen("words of the map", len(dst), (len(src)+7)/8)
	for i := range dst {
		if len(src) < 8 {
			var tail [8]byte
			copy(tail[:], src)
			dst[i] = binary.LittleEndian.Uint64(tail[:])
			return
		}
		dst[i] = binary.LittleEndian.Uint64(src)
		src = src[8:]
	}
}

// Pack makes the bytes on the wire from the map in memory: the inverse of
// [Unpack]. It panics if the lengths do not belong to each other.
func Pack(dst []byte, src []uint64) {
	mustLen("words of the map", len(src), (len(dst)+7)/8)
	for _, w := range src {
		if len(dst) < 8 {
			var tail [8]byte
			binary.LittleEndian.PutUint64(tail[:], w)
			copy(dst, tail[:])
			return
		}
		binary.LittleEndian.PutUint64(dst, w)
		dst = dst[8:]
	}
}

// Check reports why packed is not a map of shape s on the wire: another length
// than s.PackedBytes(), or a pad bit that is not zero.
func Check(s topology.Shape, packed []byte) error { return CheckString(s.Size(), packed) }

// CheckString reports why packed is not a bit string of n bits: another length
// than n bits take, or a pad bit that is not zero. Weights are such strings.
func CheckString(n int, packed []byte) error {
	want := (n + 7) / 8
	if len(packed) != want {
		return fmt.Errorf("%d bits take %d bytes, not %d", n, want, len(packed))
	}
	if n%8 != 0 && packed[want-1]>>(n%8) != 0 {
		return fmt.Errorf("bits after the first %d are not zero", n)
	}
	return nil
}

// ConvBits is the number of weights of a convolution of maps of the given
// number of channels.
func ConvBits(channels, filters int) int { return filters * channels * taps }

// LinearBits is the number of weights of a linear layer over maps of shape in.
func LinearBits(in topology.Shape, classes int) int { return classes * in.Size() }

// At is the element [channel, row, col] of a map m of shape s: -1 or +1. It is
// the slow way in, for layers that are not binary.
func At(m []uint64, s topology.Shape, channel, row, col int) int {
	return 2*int(get(m, (row*s.Cols+col)*s.Channels+channel, 1)) - 1
}

// Or writes to dst the element-wise maximum of the seen maps of src, bit i of
// seen for src[i]: max pooling (MP) of features, section III-B of the DDNN
// paper. An unseen map is not read and may be nil. With none seen every element
// is -1. It panics if a seen map is not as long as dst, or if seen has a bit
// for which src has no map.
func Or(dst []uint64, src [][]uint64, seen uint64) {
	mustSources(src, len(src), seen, len(dst))
	clear(dst)
	for i, m := range src {
		if seen>>i&1 == 0 {
			continue
		}
		m = m[:len(dst)]
		for j := range dst {
			dst[j] |= m[j]
		}
	}
}

// get is the n bits of m from bit pos on, 1 <= n <= 64.
func get(m []uint64, pos, n int) uint64 {
	word, shift := pos>>6, uint(pos&63)
	v := m[word] >> shift
	if int(shift)+n > 64 {
		v |= m[word+1] << (64 - shift)
	}
	return v & (^uint64(0) >> uint(64-n))
}

// put sets the bits of m from bit pos on to those of v, n bits long; they were
// zero before.
func put(m []uint64, pos, n int, v uint64) {
	word, shift := pos>>6, uint(pos&63)
	m[word] |= v << shift
	if int(shift)+n > 64 {
		m[word+1] |= v >> (64 - shift)
	}
}

// bit is bit i of a bit string on the wire.
func bit(packed []byte, i int) uint64 { return uint64(packed[i>>3] >> uint(i&7) & 1) }

func mustLen(what string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("bits: %d %s, want %d", got, what, want))
	}
}

// mustSources panics unless there are n sources, seen names no others and each
// seen one is as long as words.
func mustSources(src [][]uint64, n int, seen uint64, words int) {
	mustLen("sources", len(src), n)
	if n < 64 && seen>>n != 0 {
		panic(fmt.Sprintf("bits: the mask %#x of seen sources names some of more than %d", seen, n))
	}
	for i, m := range src {
		if seen>>i&1 == 1 {
			mustLen("words of a source", len(m), words)
		}
	}
}

func mustShape(s topology.Shape, maxChannels int) {
	if s.Channels < 1 || s.Channels > maxChannels || s.Rows < 1 || s.Rows > topology.MaxSide ||
		s.Cols < 1 || s.Cols > topology.MaxSide {
		panic(fmt.Sprintf("bits: shape %+v is out of range (at most %d channels)", s, maxChannels))
	}
}

func mustBlock(b topology.Block, channels int, weights []byte, thresholds int) {
	if b.Filters < 1 || b.Filters > topology.MaxFilters || b.Pool > topology.Stride2 {
		panic(fmt.Sprintf("bits: block %+v is out of range", b))
	}
	mustLen("thresholds", thresholds, b.Filters)
	if err := CheckString(ConvBits(channels, b.Filters), weights); err != nil {
		panic("bits: weights: " + err.Error())
	}
}
