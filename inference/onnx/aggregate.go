package onnx

import "ganglion/inference/topology"

// pixelScale is what an 8-bit pixel is divided by: modelpb.PIXEL_SCALE_UNIT.
const pixelScale = 255

// Preprocess writes the pixels of a view, as a device section takes them, to dst,
// which has their length.
func Preprocess(dst []float32, pixels []byte) {
	for i, p := range pixels {
		dst[i] = float32(p) / pixelScale
	}
}

// Aggregate writes the signs of the seen sources [source][channel, row, col], of which
// there must be one, to dst [channel, row, col], as the section above them takes
// them. For CC dst has room for every source, else for one. Unseen sources are not
// looked at.
func Aggregate(dst []float32, a topology.Aggregator, sources [][]float32, seen uint64) {
	clear(dst)
	n := 0
	for i, source := range sources {
		if seen>>i&1 == 0 {
			continue
		}
		n++
		if a == topology.CC {
			copy(dst[i*len(source):], source)
			continue
		}
		for j, x := range source {
			switch {
			case a == topology.AP:
				dst[j] += x
			case n == 1 || x > dst[j]:
				dst[j] = x
			}
		}
	}
	if a == topology.AP {
		for j := range dst {
			dst[j] /= float32(n)
		}
	}
}
