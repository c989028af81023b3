package inference

import (
	"fmt"

	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

var exitsOnFile = map[modelpb.Exit]topology.Exit{
	modelpb.Exit_EXIT_LOCAL: topology.ExitLocal,
	modelpb.Exit_EXIT_EDGE:  topology.ExitEdge,
}

// readThresholds checks the calibration of a bundle.
func readThresholds(t *topology.Topology, c *modelpb.Calibration) (Thresholds, error) {
	bySeen := map[topology.Exit][]float64{}
	for _, e := range c.GetExits() {
		exit, known := exitsOnFile[e.GetExit()]
		if _, twice := bySeen[exit]; !known || twice {
			return Thresholds{}, fmt.Errorf("calibration: exit %v is unknown or there twice", e.GetExit())
		}
		bySeen[exit] = e.GetBySeen()
	}
	return NewThresholds(t, bySeen)
}

// writeThresholds is the calibration of a bundle with these thresholds.
func writeThresholds(thresholds Thresholds, how string) *modelpb.Calibration {
	c := &modelpb.Calibration{How: how}
	for _, onFile := range []modelpb.Exit{modelpb.Exit_EXIT_LOCAL, modelpb.Exit_EXIT_EDGE} {
		values := thresholds.bySeen[exitsOnFile[onFile]]
		if values == nil {
			continue
		}
		c.Exits = append(c.Exits, &modelpb.ExitThresholds{Exit: onFile, BySeen: values})
	}
	return c
}

// Uncalibrated is the calibration of a network whose thresholds are yet to be
// chosen: every threshold is 0, so that a sample exits early at certainty alone.
func Uncalibrated(t *topology.Topology) *modelpb.Calibration {
	zero := Thresholds{bySeen: map[topology.Exit][]float64{}}
	exits := t.Exits()
	for _, e := range exits[:len(exits)-1] {
		zero.bySeen[e] = []float64{0}
	}
	return writeThresholds(zero, "uncalibrated")
}
