package train

import (
	"fmt"

	"ganglion/inference/topology"
)

// maxActivationBytes is the most memory that a batch may take: beyond it the
// settings are more likely a slip than a wish, and the system would kill the
// process without a word.
const maxActivationBytes = 8 << 30

// checkMemory refuses a batch whose activations and gradients would not fit.
func checkMemory(topo *topology.Topology, batch, examples int) error {
	t := topo
	views := int64(batch) * int64(len(t.Views))
	total := views * sectionElements(t.Input, t.Device.Blocks)
	sources := t.DeviceOut()
	if t.Edge != nil {
		for g := range t.Groups {
			total += int64(examples) * sectionElements(t.EdgeIn(g), t.Edge.Blocks)
		}
		sources = t.EdgeOut()
	}
	total += int64(examples) * (sectionElements(t.CloudIn(), t.Cloud.Blocks) + int64(sources.Size()))
	const floatBytes = 4
	if bytes := total * floatBytes; bytes > maxActivationBytes || int64(int(bytes)) != bytes {
		return fmt.Errorf("a batch of %d samples needs %d MiB, more than the %d MiB allowed: use a smaller batch, fewer filters or smaller views",
			batch, bytes>>20, maxActivationBytes>>20)
	}
	return nil
}

// sectionElements is about how many floats one row of a section takes: per block
// the input and its gradient, twice the convolution's output and its gradient,
// and seven maps of the size that leaves it.
func sectionElements(in topology.Shape, blocks []topology.Block) int64 {
	var sum int64
	for _, b := range blocks {
		out := b.Out(in)
		sum += 2*int64(in.Size()) + 4*int64(b.Filters)*int64(in.Pixels()) + 7*int64(out.Size())
		in = out
	}
	return sum
}
