package inference

import "ganglion/inference/topology"

// Proposal is what one exit would answer: the coordinator takes the first, in
// order, whose entropy is within its threshold.
type Proposal struct {
	Exit    topology.Exit
	Group   int       // of a local or an edge exit; 0 for the cloud's
	Seen    int       // views that it rests on
	Scores  []float32 // [class]
	Class   int       // of the largest score
	Entropy float64   // normalized, in [0, 1]
}

// propose fills everything that follows from an exit's scores.
func propose(exit topology.Exit, group, seen int, scores []float32) Proposal {
	return Proposal{
		Exit: exit, Group: group, Seen: seen, Scores: scores,
		Class: ArgMax(scores), Entropy: NormalizedEntropy(scores),
	}
}

// Exits reports whether a sample exits with this proposal.
func (p *Proposal) Exits(t Thresholds) bool {
	return p.Exit == topology.ExitCloud || p.Entropy <= t.At(p.Exit, p.Seen)
}

// Choose is the index of the proposal that answers a sample: the first within its
// threshold. Proposals are in the order of [Model.Propose], in which the last one
// always answers. Without proposals it is -1: no view was seen.
func Choose(proposals []Proposal, t Thresholds) int {
	for i := range proposals {
		if proposals[i].Exits(t) {
			return i
		}
	}
	return len(proposals) - 1
}

// Verdict is the answer for one sample, with its explanation.
type Verdict struct {
	Exit      topology.Exit // ExitNone: no view was seen, and Class is -1
	Class     int
	Proposals []Proposal // of the exits that the sample met, the last of them the one that answered
	Seen      uint64     // views that saw something
	Nothing   uint64     // views with nothing in view
	Missing   uint64     // views from which nothing came
}

// Probabilities is the softmax of the answering exit's scores, [class]; nil where
// no view was seen.
func (v *Verdict) Probabilities() []float64 {
	if v.Exit == topology.ExitNone {
		return nil
	}
	scores := v.Proposals[len(v.Proposals)-1].Scores
	p := make([]float64, len(scores))
	Softmax(p, scores)
	return p
}
