package benchtopologies

import (
	"fmt"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// The names of what is compared that is no preset.
const (
	Float = "float" // all pictures go to one float network
	Alone = "alone" // each view for itself
)

// Distributed is the network that the claim is about.
const Distributed = topology.DefaultPreset

// Names are the names of all that can be compared, in the order of the table.
func Names() (names []string) {
	for _, p := range topology.Presets() {
		names = append(names, p.Name)
		if p.Name == "a" {
			names = append(names, Float)
		}
	}
	return append(names, Alone)
}

// contender is one network of the comparison.
type contender struct {
	name     string // of Names
	file     string // of its network, without the folder
	view     int    // the only one that it has; -1: it has all
	topology *topology.Topology
	set      *dataset.Set
	split    dataset.Split

	bundle *inference.Bundle // once trained
	test   answers           // of the test samples
}

// allViews is the contender of a preset or of Float, for the whole set.
func (r *running) allViews(name string) (*contender, error) {
	preset := name
	if name == Float {
		preset = "a"
	}
	t, err := topology.Preset(preset, topology.Base{Views: r.config.Set.Views, Classes: r.config.Set.Classes, Input: r.config.Set.Shape()})
	if err != nil {
		return nil, err
	}
	if name == Float {
		t.Name, t.Device.Layers, t.Cloud.Layers = "cloud-only-float", topology.Float, topology.Float
		if err := t.Validate(); err != nil {
			return nil, err
		}
	}
	return &contender{name: name, file: name, view: -1, topology: t, set: r.config.Set, split: r.split}, nil
}

// oneView is the contender of a preset for one view alone.
func (r *running) oneView(preset string, view int) (*contender, error) {
	set, err := r.config.Set.SelectViews([]int{view})
	if err != nil {
		return nil, err
	}
	t, err := topology.Preset(preset, topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		return nil, err
	}
	// Frames and labels are the set's, so the parts of the split are too.
	return &contender{name: Alone, file: fileName(preset, view), view: view, topology: t, set: set, split: r.split}, nil
}

// single tells whether a preset is for one view.
func single(preset string) bool { return preset == "b" || preset == "d" }

// fileName is the name of the file of the network of one view.
func fileName(preset string, view int) string { return fmt.Sprintf("%s-view%d", preset, view) }
