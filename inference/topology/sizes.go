package topology

// kernelTaps is the number of pixels that a 3x3 convolution looks at.
const kernelTaps = 9

// normBytes is the size of one channel of a batch normalization in a bundle:
// gamma, beta, mean and variance, a float32 each.
const normBytes = 4 * 4

// ScoreBytes is the size of one view's or one section's scores on the wire, in
// bytes: a float32 per class, the 4|C| of section III-E of the paper.
func (t *Topology) ScoreBytes() int { return 4 * len(t.Classes) }

// FeatureBytes is the size of one view's packed features in bytes: f filters of o
// bits each, the f o / 8 of section III-E of the paper, rounded up.
func (t *Topology) FeatureBytes() int { return t.DeviceOut().PackedBytes() }

// RawBytes is the size of one view as it is captured, in bytes: what a device
// sends where nothing runs on it.
func (t *Topology) RawBytes() int { return t.Input.Size() }

// EdgeFeatureBytes is the size of what the edge of one group sends up to the
// cloud, in bytes; 0 without an edge tier.
func (t *Topology) EdgeFeatureBytes() int {
	if t.Edge == nil {
		return 0
	}
	return t.EdgeOut().PackedBytes()
}

// ViewScoreBytes is what the device of a view sends to its local aggregator for
// each sample in which it saw something, in bytes. It is 0 without a local exit,
// and for a group of one view, which is aggregated on that device itself.
func (t *Topology) ViewScoreBytes(view int) int {
	if t.Local == nil || len(t.Groups[t.GroupOf(view)]) == 1 {
		return 0
	}
	return t.ScoreBytes()
}

// ViewSentUpBytes is what the device of a view sends to the tier above for each
// sample in which it saw something and that did not exit locally, in bytes: its
// features or, in deployment (a), the view itself.
func (t *Topology) ViewSentUpBytes() int {
	if t.Device.Raw {
		return t.RawBytes()
	}
	return t.FeatureBytes()
}

// PayloadPerView is the communication cost of section III-E of the paper, in
// bytes per seen view and sample, at a share of local exits l from 0 to 1:
//
//	c = 4|C| + (1 - l) f o / 8
//
// It is the mean over the views, each seen as often as the others. Two terms are
// ours: the scores of a group of one view are not sent (see ViewScoreBytes), and
// in deployment (a) the second term is the raw view. Without a local exit l is
// taken as 0.
func (t *Topology) PayloadPerView(l float64) float64 {
	if t.Local == nil {
		l = 0
	}
	scores := 0
	for v := range t.Views {
		scores += t.ViewScoreBytes(v)
	}
	perView := float64(scores) / float64(len(t.Views))
	return perView + float64((1-l)*float64(t.ViewSentUpBytes()))
}

// WeightBytes is the size of all weights and batch normalizations as a bundle
// holds them, in bytes, without the framing: a bit per binary weight, a float32
// for everything else. An exit's linear layer counts where the topology has the
// exit.
func (t *Topology) WeightBytes() int64 {
	device := blockBytes(t.Device.Layers, t.Input, t.Device.Blocks)
	if t.Local != nil {
		device += exitBytes(t.Device.Layers, t.DeviceOut(), len(t.Classes))
	}
	total := int64(t.DeviceSections()) * device
	for g, views := range t.Groups {
		if t.Local != nil && t.Local.Scores == CC {
			classes := int64(len(t.Classes))
			total += 4 * classes * (int64(len(views))*classes + 1)
		}
		if t.Edge != nil {
			total += blockBytes(t.Edge.Layers, t.EdgeIn(g), t.Edge.Blocks)
		}
		if t.Edge != nil && t.Edge.Exit {
			total += exitBytes(t.Edge.Layers, t.EdgeOut(), len(t.Classes))
		}
	}
	total += blockBytes(t.Cloud.Layers, t.CloudIn(), t.Cloud.Blocks)
	return total + exitBytes(t.Cloud.Layers, t.CloudOut(), len(t.Classes))
}

func blockBytes(l Layers, in Shape, blocks []Block) int64 {
	total := int64(0)
	for _, b := range blocks {
		total += matrixBytes(l, int64(b.Filters)*int64(in.Channels)*kernelTaps)
		total += int64(b.Filters) * normBytes
		in = b.Out(in)
	}
	return total
}

func exitBytes(l Layers, in Shape, classes int) int64 {
	return matrixBytes(l, int64(classes)*int64(in.Size())) + int64(classes)*normBytes
}

// matrixBytes is the size of n weights.
func matrixBytes(l Layers, n int64) int64 {
	if l == Float {
		return 4 * n
	}
	return (n + 7) / 8
}
