package nodetest

import (
	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/inference/train"
)

// Data opens a data set, such as "street:samples=24,seed=3".
func Data(t T, ref string) *dataset.Set {
	t.Helper()
	set, err := dataset.Open(ref, dataset.Options{})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return set
}

// Train is a network of a preset of package topology, trained on a data set for as many
// epochs. Few epochs make a network that is often wrong, and right for a test: what a mesh
// must do with it does not depend on how good it is. The same seed makes the same network.
func Train(t T, preset string, set *dataset.Set, seed uint64, epochs int) *inference.Bundle {
	t.Helper()
	top, err := topology.Preset(preset, topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return TrainTopology(t, top, set, seed, epochs)
}

// TrainTopology is [Train] for a topology that is no preset.
func TrainTopology(t T, top *topology.Topology, set *dataset.Set, seed uint64, epochs int) *inference.Bundle {
	t.Helper()
	split, err := set.Split(dataset.SplitOptions{Seed: seed})
	if err != nil {
		t.Fatalf("%v", err)
	}
	c := train.Defaults()
	c.Seed, c.Epochs, c.ValidateEvery, c.WarmUp, c.Passes = seed, epochs, epochs, 0, 1
	content, err := train.Run(t.Context(), c, set, split, top, nil)
	if err != nil {
		t.Fatalf("%v", err)
	}
	b, err := inference.NewBundle(content)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return b
}
