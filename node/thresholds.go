package node

import (
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
)

// thresholdsInForce is the thresholds by which samples of this node's site are answered now.
func (e *engine) thresholdsInForce() *controlpb.Thresholds {
	b := e.plan.current
	out := &controlpb.Thresholds{Bundle: b.ID().String()}
	t := b.Topology()
	for _, exit := range t.Exits() {
		if exit == topology.ExitCloud {
			continue // it always answers
		}
		one := &controlpb.ExitThresholds{Exit: exit.String()}
		for seen := range t.Views {
			one.BySeen = append(one.BySeen, b.Thresholds().At(exit, seen+1))
		}
		out.Exits = append(out.Exits, one)
	}
	return out
}
