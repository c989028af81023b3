package train

import "math"

// crossEntropy is the loss of one row of scores, -sum over k of q[k] log p[k],
// where p is the softmax of the scores and q is the label, smoothed: 1-smoothing
// on it, and smoothing shared equally by all classes (DDNN paper, section III-C;
// smoothing after Szegedy et al. 2016, section 7). It adds weight times the
// gradient, p - q, to grad, unless grad is nil.
func crossEntropy(scores []float32, label int, smoothing, weight float64, grad []float32) float64 {
	top := float64(scores[0])
	for _, s := range scores[1:] {
		top = max(top, float64(s))
	}
	var sum float64
	for _, s := range scores {
		sum += math.Exp(float64(s) - top)
	}
	logSum := top + math.Log(sum)
	even := smoothing / float64(len(scores))
	var loss float64
	for k, s := range scores {
		q := even
		if k == label {
			q += 1 - smoothing
		}
		logP := float64(s) - logSum
		loss -= q * logP
		if grad != nil {
			grad[k] += float32(weight * (math.Exp(logP) - q))
		}
	}
	return loss
}
