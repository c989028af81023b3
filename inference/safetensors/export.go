package safetensors

import (
	"encoding/json"
	"fmt"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// Keys of the metadata that Export writes and Import understands.
const (
	TopologyKey   = "ganglion.topology"   // YAML
	ThresholdsKey = "ganglion.thresholds" // JSON: by exit, [views seen - 1]
	CalibratedKey = "ganglion.calibrated_for"
	DataKey       = "ganglion.data"      // what the weights were trained on
	SyntheticKey  = "ganglion.synthetic" // "true": on rendered data
	BundleKey     = "ganglion.bundle"    // ID of the bundle that was exported

	formatKey = "format" // "pt" says to PyTorch's readers that the layouts are PyTorch's
)

// Export is a bundle's weights and thresholds, and the topology that they are for.
// Binary weights are -1 and +1.
func Export(b *inference.Bundle) (*File, error) {
	thresholds := map[string][]float64{}
	for _, exit := range b.Topology().Exits() {
		if values := b.Thresholds().BySeen(exit); values != nil {
			thresholds[exit.String()] = values
		}
	}
	table, err := json.Marshal(thresholds)
	if err != nil {
		return nil, fmt.Errorf("export thresholds: %w", err)
	}
	f := &File{Metadata: map[string]string{
		formatKey:     "pt",
		TopologyKey:   string(topology.Format(b.Topology())),
		ThresholdsKey: string(table),
		CalibratedKey: tellable(b.CalibratedFor()),
		DataKey:       tellable(b.Provenance().GetData()),
		SyntheticKey:  fmt.Sprint(b.Provenance().GetSynthetic()),
		BundleKey:     b.ID().String(),
	}}
	for _, s := range layoutOf(b.Topology(), b.Content()) {
		switch {
		case s.bias != nil: // bundles have none
		case s.weights == nil:
			f.Tensors = append(f.Tensors, tensor(s.name, *s.floats, s.shape...))
		default:
			f.Tensors = append(f.Tensors, tensor(s.name, inference.Unpack(s.weights, s.size()), s.shape...))
		}
	}
	return f, nil
}
