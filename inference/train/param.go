package train

import (
	"math"
	"math/rand/v2"
)

// param is one trained tensor.
//
// A binary tensor has two faces (BinaryConnect, Courbariaux et al. 2015,
// algorithm 1): latent holds the float weights that the optimiser moves, kept in
// [-1, 1], and value their signs, which the forward and backward passes use.
// The gradient with respect to value is applied to latent unchanged: the
// straight-through estimator. In a float tensor the two are one slice.
type param struct {
	name   string
	binary bool
	latent []float32
	value  []float32
	grad   []float32
	first  []float32 // Adam's first moment
	second []float32 // Adam's second moment
}

func newParam(name string, size int, binary bool) *param {
	p := &param{
		name:   name,
		binary: binary,
		latent: make([]float32, size),
		grad:   make([]float32, size),
		first:  make([]float32, size),
		second: make([]float32, size),
	}
	p.value = p.latent
	if binary {
		p.value = make([]float32, size)
	}
	return p
}

// initialize draws the weights uniformly: binary ones from [-spread, spread],
// float ones from He et al.'s (2015) interval for fanIn inputs.
func (p *param) initialize(fanIn int, spread float64, r *rand.Rand) {
	if !p.binary {
		spread = math.Sqrt(6 / float64(fanIn))
	}
	for i := range p.latent {
		p.latent[i] = float32(spread * (2*r.Float64() - 1))
	}
	p.refresh(false)
}

// fill sets every weight to v.
func (p *param) fill(v float32) *param {
	for i := range p.latent {
		p.latent[i] = v
	}
	return p
}

// refresh derives value from latent. smooth puts the identity in place of the
// sign: the function whose gradient the straight-through estimator is, for
// checks by finite differences.
func (p *param) refresh(smooth bool) {
	switch {
	case !p.binary:
	case smooth:
		copy(p.value, p.latent)
	default:
		for i, v := range p.latent {
			p.value[i] = sign(v)
		}
	}
}

// sign is +1 where v >= 0, else -1: sign(0) = +1 everywhere in the project.
func sign(v float32) float32 {
	if v >= 0 {
		return 1
	}
	return -1
}
