package evaluation

import (
	"math"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// outcome is what the exit rule makes of one sample.
type outcome uint8

const (
	noView     outcome = iota // no view left that sees something
	unlabelled                // answered, but there is nothing to compare with
	wrong
	right
)

// fate is what becomes of one sample with some views missing.
type fate struct {
	outcome outcome
	exit    topology.Exit // that answered
	tiers   uint8         // bit by exit: that tier alone would be right
}

// fateOf is the fate of an answer by the exit rule with thresholds.
func fateOf(a *answer, thresholds inference.Thresholds) fate {
	chosen := inference.Choose(a.proposals, thresholds)
	if chosen < 0 {
		return fate{}
	}
	f := fate{outcome: wrong, exit: a.proposals[chosen].Exit}
	if a.label == dataset.NotPresent {
		f.outcome = unlabelled
		return f
	}
	if a.proposals[chosen].Class == a.label {
		f.outcome = right
	}
	for exit := topology.ExitLocal; exit <= topology.ExitCloud; exit++ {
		if class, ok := a.tierOnly(exit); ok && class == a.label {
			f.tiers |= 1 << exit
		}
	}
	return f
}

// leftOf sums up the fates [sample] of one set of views; labelled is how many of the
// samples have a label.
func leftOf(t *topology.Topology, fates []fate, labelled int) Left {
	var outcomes [right + 1]int
	var tiers [topology.ExitCloud + 1]int
	local := 0
	for _, f := range fates {
		outcomes[f.outcome]++
		if f.exit == topology.ExitLocal {
			local++
		}
		for exit := range tiers {
			tiers[exit] += int(f.tiers >> exit & 1)
		}
	}
	scored := outcomes[right] + outcomes[wrong]
	left := Left{
		Samples: len(fates), NoView: outcomes[noView],
		Overall: share(outcomes[right], scored), Interval: Wilson(outcomes[right], scored),
		Answered: share(scored, labelled), OfAll: share(outcomes[right], labelled), OfAllInterval: Wilson(outcomes[right], labelled),
		Local: Number(math.NaN()), Cloud: share(tiers[topology.ExitCloud], scored),
		LocalExit: share(local, len(fates)),
	}
	if t.Local != nil {
		left.Local = share(tiers[topology.ExitLocal], scored)
	}
	if t.Edge != nil && t.Edge.Exit {
		edge := share(tiers[topology.ExitEdge], scored)
		left.Edge = &edge
	}
	return left
}
