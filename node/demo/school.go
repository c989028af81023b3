package demo

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/inference/train"
)

// Quick is a network of a topology for a data set: trained for a few epochs, just enough
// to be worth watching, or found in the folder cache, where it was kept last time. Training
// takes some seconds for a few hundred samples, and more for more. progress may be nil.
// Where it cannot be kept there it is made again next time; an empty cache keeps nothing.
func Quick(ctx context.Context, t *topology.Topology, set *dataset.Set, cache string, progress func(train.Progress)) (b *inference.Bundle, kept bool, err error) {
	config := quickly()
	path := ""
	if cache != "" {
		if path, err = quickPath(cache, t, set, &config); err != nil {
			return nil, false, err
		}
		b, err = inference.ReadBundle(path)
		switch {
		case err == nil:
			return b, true, nil
		case errors.Is(err, fs.ErrNotExist):
		default: // damaged, or of another version: it is made again
		}
	}
	split, err := set.Split(dataset.SplitOptions{Seed: config.Seed})
	if err != nil {
		return nil, false, err
	}
	content, err := train.Run(ctx, config, set, split, t, progress)
	if err != nil {
		return nil, false, err
	}
	if b, err = inference.NewBundle(content); err != nil {
		return nil, false, fmt.Errorf("seal bundle: %w", err)
	}
	if path != "" && os.MkdirAll(cache, 0o755) == nil {
		_ = b.Write(path) // without it the next demo trains again
	}
	return b, false, nil
}

// quickly is the settings of a short training.
func quickly() train.Config {
	c := train.Defaults()
	c.Seed, c.Epochs, c.WarmUp, c.ValidateEvery, c.Passes = 1, 12, 1, 6, 1
	return c
}

// quickPath names the bundle of a short training by all that it depends on.
func quickPath(cache string, t *topology.Topology, set *dataset.Set, c *train.Config) (string, error) {
	settings, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("name the model: %w", err)
	}
	h := sha256.New()
	h.Write(fmt.Appendf(nil, "%s\n%d %s\n%x\n%q\n%s", train.Version, inference.BundleFormat, settings, set.Hash, set.Classes, topology.Format(t)))
	const enough = 8
	return filepath.Join(cache, fmt.Sprintf("demo-%x.ganglion", h.Sum(nil)[:enough])), nil
}
