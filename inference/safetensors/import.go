package safetensors

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// Imported is what Import made of a file.
type Imported struct {
	Content    *modelpb.Bundle // of a bundle, with the file's thresholds if it has any
	Calibrated bool            // it has
	Binarized  int             // weights that became their signs
	Zeros      int             // of those: weights of exactly 0, which became +1
	Biases     []string        // tensors that moved into the mean of a batch norm
	Ignored    []string        // counters of PyTorch's batch norms
}

// Topology is the topology that the file says it is for; nil where it says nothing.
func (f *File) Topology() (*topology.Topology, error) {
	text, there := f.Metadata[TopologyKey]
	if !there {
		return nil, nil //nolint:nilnil // nothing said is no fault
	}
	if len(text) > topology.MaxFileBytes {
		return nil, fmt.Errorf("read the topology of the weights: it has %d bytes, more than %d", len(text), topology.MaxFileBytes)
	}
	t, err := topology.Parse("metadata "+TopologyKey, []byte(text), topology.Base{})
	if err != nil {
		return nil, fmt.Errorf("read the topology of the weights: %w", err)
	}
	return t, nil
}

// Import makes the content of a bundle of a topology from the tensors of a file. An
// error about them is an *Error, which has every fault.
func Import(t *topology.Topology, f *File) (*Imported, error) {
	if err := f.checkTold(); err != nil {
		return nil, err
	}
	im := &Imported{Content: skeleton(t)}
	slots := layoutOf(t, im.Content)
	if err := im.fill(slots, f); err != nil {
		return nil, err
	}
	im.Content.Provenance = &modelpb.Provenance{
		Data: f.Metadata[DataKey], Synthetic: f.Metadata[SyntheticKey] == "true", Trainer: "imported",
		Settings: map[string]string{},
	}
	if id := f.Metadata[BundleKey]; id != "" {
		im.Content.Provenance.Settings["exported from bundle"] = id
	}
	im.Content.Calibration = inference.Uncalibrated(t)
	if text, there := f.Metadata[ThresholdsKey]; there {
		calibration, err := readThresholds(t, text, f.Metadata[CalibratedKey])
		if err != nil {
			return nil, fmt.Errorf("read the thresholds of the weights: %w", err)
		}
		im.Content.Calibration, im.Calibrated = calibration, true
	}
	return im, nil
}

// readThresholds is the calibration that the metadata of a file tells.
func readThresholds(t *topology.Topology, text, how string) (*modelpb.Calibration, error) {
	var table map[string][]float64
	if err := json.Unmarshal([]byte(text), &table); err != nil {
		return nil, fmt.Errorf("%s: %w", ThresholdsKey, err)
	}
	c, bySeen := &modelpb.Calibration{How: how}, map[topology.Exit][]float64{}
	for exit, onFile := range map[topology.Exit]modelpb.Exit{
		topology.ExitLocal: modelpb.Exit_EXIT_LOCAL, topology.ExitEdge: modelpb.Exit_EXIT_EDGE,
	} {
		if values, there := table[exit.String()]; there {
			bySeen[exit] = values
			c.Exits = append(c.Exits, &modelpb.ExitThresholds{Exit: onFile, BySeen: values})
			delete(table, exit.String())
		}
	}
	for name := range table {
		return nil, fmt.Errorf("%s: there are none of an exit %s", ThresholdsKey, quote(name))
	}
	slices.SortFunc(c.Exits, func(a, b *modelpb.ExitThresholds) int { return int(a.GetExit() - b.GetExit()) })
	_, err := inference.NewThresholds(t, bySeen)
	return c, err
}

// fill puts the tensors of a file into their slots.
func (im *Imported) fill(slots []slot, f *File) error {
	given := map[string]Tensor{}
	for _, t := range f.Tensors {
		given[t.Name] = t
	}
	var c faults
	var biases []func()
	for _, s := range slots {
		t, there := given[s.name]
		delete(given, s.name)
		switch {
		case !there && s.bias == nil:
			c.missing = append(c.missing, s)
		case there:
			values, ok := c.values(s, t)
			if !ok {
				continue
			}
			if s.bias != nil {
				im.Biases = append(im.Biases, s.name)
				biases = append(biases, func() { subtract(s.bias.GetMean(), values) })
				continue
			}
			im.put(s, values)
		}
	}
	for name, t := range given {
		if strings.HasSuffix(name, ".num_batches_tracked") && len(t.Shape) == 0 {
			im.Ignored = append(im.Ignored, name)
			continue
		}
		c.extra = append(c.extra, name)
	}
	slices.Sort(im.Ignored)
	if err := c.err(slots); err != nil {
		return err
	}
	for _, move := range biases {
		move() // every mean is there by now
	}
	return nil
}

// put writes the values of a slot into the bundle.
func (im *Imported) put(s slot, values []float32) {
	switch {
	case s.weights == nil:
		*s.floats = values
	case !s.binary:
		s.weights.Real = values
	default:
		packed := make([]byte, (len(values)+7)/8)
		for i, v := range values {
			if v >= 0 {
				packed[i/8] |= 1 << (i % 8)
			}
			if v == 0 {
				im.Zeros++
			}
		}
		im.Binarized += len(values)
		s.weights.Binary = packed
	}
}

// subtract moves a bias into a mean: gamma * (x + bias - mean) is gamma * (x - (mean - bias)).
func subtract(mean, bias []float32) {
	for i := range mean {
		mean[i] -= bias[i]
	}
}

// values are those of a tensor, if they may stand in the slot.
func (c *faults) values(s slot, t Tensor) ([]float32, bool) {
	if !slices.Equal(t.Shape, s.shape) {
		c.addf(s.name, "the shape is %v, the network's %v: %s", t.Shape, s.shape, shapeHint(t.Shape, s.shape))
		return nil, false
	}
	values, ok := t.values()
	if !ok {
		c.addf(s.name, "the type is %s, which is not read: save it as %s", quote(t.Type), readable)
		return nil, false
	}
	for i, v := range values {
		switch {
		case math.IsNaN(float64(v)) || math.IsInf(float64(v), 0):
			c.addf(s.name, "value %d is %v: train again, or look where it comes from", i, v)
			return nil, false
		case s.variance() && v < 0:
			c.addf(s.name, "value %d is %v, but a variance is never negative", i, v)
			return nil, false
		}
	}
	return values, true
}

// shapeHint says what to do about a wrong shape.
func shapeHint(got, want []int) string {
	if len(got) == len(want) && len(want) > 1 && got[0] == want[1] && got[1] == want[0] {
		return "swap its first two axes"
	}
	n := func(shape []int) int { return slot{shape: shape}.size() }
	if n(got) == n(want) {
		return "reshape it, if its elements are in that order"
	}
	return "give the topology that it was trained for"
}
