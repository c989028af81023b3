package train

import "ganglion/inference/topology"

// aggregator combines the vectors of several sources into one, over the seen
// sources alone (DDNN paper, section III-B). A nil vector is an unseen source.
// At least one source must be seen, except for CC, which then gives zeros.
type aggregator struct {
	kind topology.Aggregator
	size int // elements of one source's vector
}

// width is the size of the result for a number of sources.
func (a aggregator) width(sources int) int {
	if a.kind == topology.CC {
		return sources * a.size
	}
	return a.size
}

// forward writes the aggregate to dst: MP the largest of each element, AP the
// mean, CC the vectors one after another with zeros for unseen sources.
func (a aggregator) forward(dst []float32, sources [][]float32) {
	switch a.kind {
	case topology.MP:
		a.largest(dst, sources)
	case topology.AP:
		a.mean(dst, sources)
	case topology.CC:
		for i, x := range sources {
			part := dst[i*a.size:][:a.size]
			if x == nil {
				clear(part)
				continue
			}
			copy(part, x)
		}
	}
}

func (a aggregator) largest(dst []float32, sources [][]float32) {
	first := true
	for _, x := range sources {
		switch {
		case x == nil:
		case first:
			copy(dst, x)
			first = false
		default:
			for i, v := range x {
				dst[i] = max(dst[i], v)
			}
		}
	}
}

func (a aggregator) mean(dst []float32, sources [][]float32) {
	clear(dst)
	for _, x := range sources {
		for i, v := range x {
			dst[i] += v
		}
	}
	scale := 1 / float32(seenSources(sources))
	for i := range dst {
		dst[i] *= scale
	}
}

// backward adds to the gradient of each seen source what the gradient ddst of
// the aggregate gives it. MP shares the gradient equally among the sources that
// reach the maximum: between signs ties are the rule, and a single winner would
// leave every camera but the first untrained.
func (a aggregator) backward(ddst, dst []float32, sources, grads [][]float32) {
	switch a.kind {
	case topology.MP:
		for i, g := range ddst {
			if g == 0 {
				continue
			}
			winners := 0
			for _, x := range sources {
				if x != nil && x[i] == dst[i] {
					winners++
				}
			}
			g /= float32(winners)
			for s, x := range sources {
				if x != nil && x[i] == dst[i] {
					grads[s][i] += g
				}
			}
		}
	case topology.AP:
		scale := 1 / float32(seenSources(sources))
		for s, x := range sources {
			if x != nil {
				blas.Saxpy(a.size, scale, ddst, 1, grads[s], 1)
			}
		}
	case topology.CC:
		for s, x := range sources {
			if x != nil {
				blas.Saxpy(a.size, 1, ddst[s*a.size:], 1, grads[s], 1)
			}
		}
	}
}

func seenSources(sources [][]float32) int {
	seen := 0
	for _, x := range sources {
		if x != nil {
			seen++
		}
	}
	return seen
}
