package evaluation

import (
	"slices"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// presencePatterns is the views of samples that see something, by the presence rule.
func presencePatterns(rule topology.Presence, set *dataset.Set, samples []int) []uint64 {
	patterns := make([]uint64, len(samples))
	for i, sample := range samples {
		for v := range set.Views {
			if rule.Present(set.View(sample, v)) {
				patterns[i] |= 1 << v
			}
		}
	}
	return patterns
}

// baselines measures both baselines on evaluated samples. With the network's test
// split they are learned on the frames that training had, its validation frames
// among them.
func baselines(t *topology.Topology, set *dataset.Set, samples []int) Baselines {
	evaluated := make(map[int]bool, len(samples))
	for _, i := range samples {
		evaluated[i] = true
	}
	var learning []int
	for i := range set.Len() {
		if !evaluated[i] && set.Labels[i] != dataset.NotPresent {
			learning = append(learning, i)
		}
	}
	b := Baselines{InSample: len(learning) == 0}
	if b.InSample {
		learning = samples
	}
	l := learn(set, learning, presencePatterns(t.Presence, set, learning))
	b.Learned, b.MajorityClass = l.samples, t.Classes[l.majority]

	scored, majority, presence := 0, 0, 0
	for i, pattern := range presencePatterns(t.Presence, set, samples) {
		label := set.Labels[samples[i]]
		if pattern == 0 || label == dataset.NotPresent {
			continue
		}
		scored++
		if label == l.majority {
			majority++
		}
		if label == l.class(pattern) {
			presence++
		}
	}
	b.Majority, b.Presence = share(majority, scored), share(presence, scored)
	return b
}

// lesson is what the baselines know.
type lesson struct {
	samples   int // that have a label
	majority  int
	byPattern map[uint64]int
}

// learn counts the labels of samples whose views see something in patterns. The
// lower class wins a tie.
func learn(set *dataset.Set, samples []int, patterns []uint64) lesson {
	l := lesson{byPattern: map[uint64]int{}}
	total := make([]int, len(set.Classes))
	counts := map[uint64][]int{}
	for i, sample := range samples {
		label := set.Labels[sample]
		if label == dataset.NotPresent {
			continue
		}
		if counts[patterns[i]] == nil {
			counts[patterns[i]] = make([]int, len(set.Classes))
		}
		l.samples++
		total[label]++
		counts[patterns[i]][label]++
	}
	l.majority = mostFrequent(total)
	for pattern, c := range counts {
		l.byPattern[pattern] = mostFrequent(c)
	}
	return l
}

// class is the class of a pattern; of one that was never seen the most frequent of
// all.
func (l lesson) class(pattern uint64) int {
	if class, known := l.byPattern[pattern]; known {
		return class
	}
	return l.majority
}

func mostFrequent(counts []int) int { return slices.Index(counts, slices.Max(counts)) }
