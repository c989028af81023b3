package reference

import (
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// Network is an unpacked network.
type Network struct {
	Topology *topology.Topology
	Content  *modelpb.Bundle // of a checked bundle
}

// Result is everything that a sample makes a network compute. Unseen views and
// groups have zero values.
type Result struct {
	Features     []Map       // [view]
	DeviceScores [][]float32 // [view][class]
	Local        [][]float32 // [group][class]
	EdgeFeatures []Map       // [group]
	EdgeScores   [][]float32 // [group][class]
	Cloud        []float32   // [class]
}

// Forward runs every section on the pixels [view][channel, row, col] of the seen
// views, of which there must be one.
func (n *Network) Forward(pixels [][]byte, seen uint64) Result {
	t := n.Topology
	r := Result{Features: make([]Map, len(t.Views)), DeviceScores: make([][]float32, len(t.Views))}
	for v := range t.Views {
		if seen>>v&1 == 1 {
			r.Features[v], r.DeviceScores[v] = n.Device(v, pixels[v])
		}
	}
	sources, from := r.Features, seen
	for g, views := range t.Groups {
		r.Local = append(r.Local, n.local(g, r.DeviceScores, seen&t.GroupMask(g)))
		if t.Edge != nil {
			features, scores := n.edge(g, views, r.Features, seen)
			r.EdgeFeatures = append(r.EdgeFeatures, features)
			r.EdgeScores = append(r.EdgeScores, scores)
		}
	}
	if t.Edge != nil {
		sources, from = r.EdgeFeatures, 0
		for g := range t.Groups {
			if seen&t.GroupMask(g) != 0 {
				from |= 1 << g
			}
		}
	}
	r.Cloud = n.Cloud(sources, from)
	return r
}

// Device runs a view's device section: its features, and its scores if it has an
// exit.
func (n *Network) Device(view int, pixels []byte) (Map, []float32) {
	t := n.Topology
	in := newMap(t.Input)
	for i, p := range pixels {
		in.Data[i] = float32(p)
	}
	weights := n.Content.GetDevices()[t.DeviceSection(view)]
	out := n.blocks(in, 255, t.Device.Layers, t.Device.Blocks, weights, sign)
	if weights.GetExit() == nil {
		return out, nil
	}
	return out, exit(out, len(t.Classes), weights.GetExit())
}

func (n *Network) edge(group int, views []int, features []Map, seen uint64) (Map, []float32) {
	t := n.Topology
	var sources []Map
	var from uint64
	for i, v := range views {
		sources = append(sources, features[v])
		from |= seen >> v & 1 << i
	}
	if from == 0 {
		return Map{}, nil
	}
	in, by := aggregate(t.Edge.Features, sources, t.DeviceOut(), from)
	out := n.blocks(in, by, t.Edge.Layers, t.Edge.Blocks, n.Content.GetEdges()[group], sign)
	if !t.Edge.Exit {
		return out, nil
	}
	return out, exit(out, len(t.Classes), n.Content.GetEdges()[group].GetExit())
}

// Cloud runs the cloud section on the features of the seen sources, of which
// there must be one.
func (n *Network) Cloud(sources []Map, seen uint64) []float32 {
	t := n.Topology
	in, by := aggregate(t.Cloud.Features, sources, t.CloudSource(), seen)
	last := activation(sign)
	if t.Cloud.Layers == topology.Float {
		last = relu
	}
	out := n.blocks(in, by, t.Cloud.Layers, t.Cloud.Blocks, n.Content.GetCloud(), last)
	return exit(out, len(t.Classes), n.Content.GetCloud().GetExit())
}

// blocks runs the blocks of a section on integers in, of which the first block
// sees in/by. A binary convolution divides its integer sum, which is exact; a
// float one takes the divided input.
func (n *Network) blocks(in Map, by float32, layers topology.Layers, blocks []topology.Block, w *modelpb.Section, last activation) Map {
	for i, b := range blocks {
		weights := w.GetBlocks()[i]
		f := activation(sign)
		switch {
		case i == len(blocks)-1:
			f = last
		case layers == topology.Float:
			f = relu
		}
		before, after := by, float32(1)
		if layers == topology.Binary {
			before, after = 1, by
		}
		sums := conv(scale(in, before), b.Filters, unpackWeights(weights.GetWeights(), b.Filters*in.Channels*9))
		in = normalize(pool(scale(sums, after), b.Pool), weights.GetNorm(), f)
		by = 1
	}
	return in
}
