package reference

import (
	mathbits "math/bits"

	"ganglion/inference/topology"
)

// aggregate merges the maps of the seen sources into what a section's first block
// takes: integers, and what they are to be divided by.
func aggregate(a topology.Aggregator, sources []Map, shape topology.Shape, seen uint64) (Map, float32) {
	if a == topology.CC {
		whole := shape
		whole.Channels *= len(sources)
		out := newMap(whole)
		for i, s := range sources {
			if seen>>i&1 == 1 {
				copy(out.Data[i*shape.Size():], s.Data)
			}
		}
		return out, 1
	}
	out := newMap(shape)
	first := true
	for i, s := range sources {
		if seen>>i&1 == 0 {
			continue
		}
		for j, x := range s.Data {
			switch {
			case a == topology.AP:
				out.Data[j] += x
			case first || x > out.Data[j]:
				out.Data[j] = x
			}
		}
		first = false
	}
	if a == topology.AP {
		return out, float32(mathbits.OnesCount64(seen))
	}
	return out, 1
}

// local aggregates the scores of a group's seen views; nil where there are none.
func (n *Network) local(group int, scores [][]float32, seen uint64) []float32 {
	t := n.Topology
	if t.Local == nil || seen == 0 {
		return nil
	}
	var inputs []Map
	var from uint64
	for i, v := range t.Groups[group] {
		inputs = append(inputs, Map{topology.Shape{Channels: len(t.Classes), Rows: 1, Cols: 1}, scores[v]})
		from |= seen >> v & 1 << i
	}
	merged, by := aggregate(t.Local.Scores, inputs, topology.Shape{Channels: len(t.Classes), Rows: 1, Cols: 1}, from)
	if t.Local.Scores != topology.CC {
		return scale(merged, by).Data
	}
	dense := n.Content.GetLocals()[group]
	out := make([]float32, len(t.Classes))
	for class := range out {
		out[class] = dense.GetBias()[class]
		for i, x := range merged.Data {
			out[class] += float32(dense.GetWeights()[class*len(merged.Data)+i] * x)
		}
	}
	return out
}
