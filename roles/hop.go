package roles

import (
	"math/bits"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// Hop is a way that payload takes from one tier to the next.
type Hop uint8

// The hops.
const (
	DeviceToLocal Hop    = iota // scores, to the local aggregator
	DeviceToEdge                // features, where there is an edge tier
	DeviceToCloud               // features, or raw views, where there is none
	EdgeToCloud                 // features of an edge section
	Hops          = iota        // how many there are
)

func (h Hop) String() string {
	return [Hops]string{"device-local", "device-edge", "device-cloud", "edge-cloud"}[h]
}

// HopBytes is the payload that a sample cost by hop, as section III-E of the paper counts
// it: the scores of every seen view, its features where they were asked for. t is the
// topology of the verdict's bundle; views that it lacks cost nothing.
func (v *Verdict) HopBytes(t *topology.Topology) (by [Hops]int) {
	for set := v.Answer.Seen & t.AllViews(); set != 0; set &= set - 1 {
		by[DeviceToLocal] += t.ViewScoreBytes(bits.TrailingZeros64(set))
	}
	edge, cloud := 0, 0 // views that these rested on
	for _, some := range [][]inference.Proposal{v.Answer.Proposals, v.Others} {
		for i := range some {
			switch some[i].Exit {
			case topology.ExitEdge:
				edge += some[i].Seen
			case topology.ExitCloud:
				cloud += some[i].Seen
			default:
			}
		}
	}
	if t.Edge == nil {
		by[DeviceToCloud] = cloud * t.ViewSentUpBytes()
		return by
	}
	by[DeviceToEdge] = edge * t.FeatureBytes()
	if cloud > 0 {
		for g := range t.Groups {
			if v.Answer.Seen&t.GroupMask(g) != 0 {
				by[EdgeToCloud] += t.EdgeFeatureBytes()
			}
		}
	}
	return by
}
