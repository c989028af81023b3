package train

import (
	"errors"
	"math"
)

// Adam's decay rates and the term that keeps its division finite, as Kingma and
// Ba (2015) recommend them.
const (
	adamFirstDecay  = 0.9
	adamSecondDecay = 0.999
	adamEpsilon     = 1e-8
)

var errNotFinite = errors.New("gradient is not finite")

// adam makes step number step, from 1, of algorithm 1 of Kingma and Ba (2015) in
// place and then clips the latent values of binary weights to [-1, 1], outside
// which they would no longer follow (BinaryConnect, section 2.4). If any
// gradient is not finite it changes nothing and returns errNotFinite.
func adam(params []*param, rate float64, step int) error {
	var sum float64
	for _, p := range params {
		for _, g := range p.grad {
			sum += float64(g) * float64(g)
		}
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return errNotFinite
	}
	firstLeft := 1 - math.Pow(adamFirstDecay, float64(step))
	secondLeft := 1 - math.Pow(adamSecondDecay, float64(step))
	size := float32(rate / firstLeft)
	correct := float32(1 / math.Sqrt(secondLeft))
	for _, p := range params {
		for i, g := range p.grad {
			p.first[i] = adamFirstDecay*p.first[i] + (1-adamFirstDecay)*g
			p.second[i] = adamSecondDecay*p.second[i] + (1-adamSecondDecay)*g*g
			root := float32(math.Sqrt(float64(p.second[i])))
			p.latent[i] -= size * p.first[i] / (root*correct + adamEpsilon)
			if p.binary {
				p.latent[i] = max(min(p.latent[i], 1), -1)
			}
		}
		p.refresh(false)
	}
	return nil
}

// learningRate is the rate of a step, of total: a linear rise over the first
// warmUp steps, then half a cosine from the peak to zero (Loshchilov and Hutter
// 2017, without restarts).
func learningRate(peak float64, step, warmUp, total int) float64 {
	if step < warmUp {
		return peak * float64(step+1) / float64(warmUp)
	}
	done := float64(step-warmUp) / float64(max(total-warmUp, 1))
	return peak * (1 + math.Cos(math.Pi*done)) / 2
}
