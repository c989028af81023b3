// Generate makes the embedded model of package builtin:
//
//	go run ./inference/builtin/generate FILE
package main

import (
	"context"
	"fmt"
	"os"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/inference/train"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate FILE")
		os.Exit(2)
	}
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(path string) error {
	b, err := makeModel(context.Background())
	if err != nil {
		return err
	}
	return b.Write(path)
}

// seed fixes the split and every random choice of the training.
const seed = 1

// makeModel trains the paper's network on the built-in scene with the defaults of
// training.
func makeModel(ctx context.Context) (*inference.Bundle, error) {
	set, err := dataset.Open("street", dataset.Options{})
	if err != nil {
		return nil, err
	}
	t, err := topology.Preset(topology.DefaultPreset, topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		return nil, err
	}
	split, err := set.Split(dataset.SplitOptions{Seed: seed})
	if err != nil {
		return nil, err
	}
	config := train.Defaults()
	config.Seed = seed
	config.Epochs = epochs
	content, err := train.Run(ctx, config, set, split, t, nil)
	if err != nil {
		return nil, err
	}
	return inference.NewBundle(content)
}

// epochs keeps the making within a minute or two; the scene is learned by then.
const epochs = 60
