package train

import (
	"math/bits"
	"math/rand/v2"
)

// purpose names what random numbers are for. Every (seed, purpose, epoch, index)
// has a stream of its own, so that no draw depends on another: a resumed run
// needs no generator state, and work may be cut among goroutines in any way.
type purpose uint64

const (
	purposeInit     purpose = iota + 1 // index: tensor
	purposeOrder                       // of an epoch's samples
	purposeDropout                     // index: sample
	purposeAugment                     // index: sample and view
	purposeEstimate                    // view dropout of statistics passes; index: pass and sample
	purposeExchange                    // index: sample and view
	purposeSubsets                     // view sets of validation; index: sample
)

// seedStream starts the generator on a stream.
func seedStream(pcg *rand.PCG, seed uint64, p purpose, epoch, index int) {
	high := mix(mix(seed) + uint64(p))
	pcg.Seed(high, mix(mix(high+uint64(epoch))+uint64(index)))
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood 2014) on the next
// value of its sequence: a bijection that spreads neighbours apart.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// dropViews removes each seen view with the given probability, but keeps one at
// least, drawn evenly if all would go.
func dropViews(seen uint64, probability float64, views int, r *rand.Rand) uint64 {
	kept := seen
	for v := range views {
		if seen>>v&1 == 1 && r.Float64() < probability {
			kept &^= 1 << v
		}
	}
	if kept != 0 || seen == 0 {
		return kept
	}
	last := r.IntN(countViews(seen))
	for v := range views {
		if seen>>v&1 == 1 {
			if last == 0 {
				return 1 << v
			}
			last--
		}
	}
	return seen
}

func countViews(seen uint64) int { return bits.OnesCount64(seen) }
