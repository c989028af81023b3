package inference

import "ganglion/proto/modelpb"

// Unpack is n weights of a layer as floats: a binary weight is -1 or +1. Real ones are
// those of the layer, and must not be written to.
func Unpack(w *modelpb.Weights, n int) []float32 {
	if real := w.GetReal(); len(real) > 0 {
		return real
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(int(w.GetBinary()[i/8]>>(i%8)&1)*2 - 1)
	}
	return out
}
