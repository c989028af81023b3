package train

import "math/rand/v2"

// snapshot is the network as it was at its best validation.
type snapshot struct {
	epoch    int // complete epochs by then; 0: none yet
	result   Validation
	latent   [][]float32 // [param]
	mean     [][]float32 // [norm][channel]
	variance [][]float32 // [norm][channel]
}

// initialize draws the weights of every tensor, each from the stream that
// streamOf gives for its index.
func (n *network) initialize(spread float64, streamOf func(tensor int) *rand.Rand) {
	at := make(map[*param]int, len(n.params))
	for i, p := range n.params {
		at[p] = i
	}
	draw := func(p *param, fanIn int) { p.initialize(fanIn, spread, streamOf(at[p])) }
	for _, s := range n.sections() {
		for _, b := range s.blocks {
			draw(b.conv.weights, b.conv.in.Channels*taps)
		}
		if s.exit != nil {
			draw(s.exit.linear.weights, s.exit.linear.size)
		}
	}
	for _, d := range n.locals {
		draw(d.weights, d.size)
	}
}

// sections lists every section, devices first, the cloud last.
func (n *network) sections() []*section {
	list := append([]*section(nil), n.devices...)
	return append(append(list, n.edges...), n.cloud)
}

// newSnapshot has room for the network, and no network in it.
func (n *network) newSnapshot() snapshot {
	var s snapshot
	for _, p := range n.params {
		s.latent = append(s.latent, make([]float32, len(p.latent)))
	}
	for _, norm := range n.norms {
		s.mean = append(s.mean, make([]float32, norm.channels))
		s.variance = append(s.variance, make([]float32, norm.channels))
	}
	return s
}

// snapshot copies weights and statistics to s.
func (n *network) snapshot(s *snapshot) {
	for i, p := range n.params {
		copy(s.latent[i], p.latent)
	}
	for i, norm := range n.norms {
		copy(s.mean[i], norm.mean)
		copy(s.variance[i], norm.variance)
	}
}

// restore copies weights and statistics from s.
func (n *network) restore(s snapshot) {
	for i, p := range n.params {
		copy(p.latent, s.latent[i])
		p.refresh(false)
	}
	for i, norm := range n.norms {
		copy(norm.mean, s.mean[i])
		copy(norm.variance, s.variance[i])
	}
}
