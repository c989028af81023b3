package train

import (
	"fmt"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// calibrate chooses the thresholds of a trained network on the validation
// samples, as the deployed network answers them, and records what they do there.
func calibrate(topo *topology.Topology, content *modelpb.Bundle, set *dataset.Set, validation []int) error {
	content.Calibration = inference.Uncalibrated(topo)
	uncalibrated, err := inference.NewBundle(content)
	if err != nil {
		return fmt.Errorf("check the trained network: %w", err)
	}
	policy := evaluation.Policy{Goal: evaluation.Careful}
	thresholds, outcome, err := evaluation.Calibrate(uncalibrated.Model(), set, validation, policy)
	if err != nil {
		return err
	}
	calibrated, err := uncalibrated.WithThresholds(thresholds, policy.String())
	if err != nil {
		return fmt.Errorf("calibrate thresholds: %w", err)
	}
	content.Calibration = calibrated.Content().GetCalibration()
	figures := content.GetProvenance().GetFigures()
	figures["validation overall, all views: accuracy"] = float64(outcome.At.Overall)
	figures["validation overall, all views: local exits"] = float64(outcome.At.LocalExit)
	figures["validation overall, all views: payload bytes per seen view"] = float64(outcome.At.PayloadPerSeenView)
	return nil
}
