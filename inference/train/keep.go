package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// ErrOther says that a file holds a network that was trained on something else, or with
// other settings.
var ErrOther = errors.New("it was trained on other data or with other settings")

// Keep is Run with the network kept in the file path, and its checkpoint beside it while it
// is trained. With cfg.Resume it goes on where an earlier call ended: it reads the network
// that is done, or resumes at the checkpoint, or begins where there is neither. A file of
// anything else is then an error, ErrOther for another network, and stays as it is.
func Keep(ctx context.Context, cfg Config, set *dataset.Set, split dataset.Split, topo *topology.Topology, path string, progress func(Progress)) (*inference.Bundle, error) {
	resume := cfg.Resume
	cfg.Checkpoint, cfg.Resume = path+".checkpoint", false
	if resume {
		b, err := kept(&cfg, set, split, topo, path)
		if b != nil || err != nil {
			return b, err
		}
		_, err = os.Stat(cfg.Checkpoint)
		cfg.Resume = err == nil
	}
	content, err := Run(ctx, cfg, set, split, topo, progress)
	if err != nil {
		return nil, err
	}
	b, err := inference.NewBundle(content)
	if err != nil {
		return nil, fmt.Errorf("seal bundle: %w", err)
	}
	if err := b.Write(path); err != nil {
		return nil, err
	}
	if err := os.Remove(cfg.Checkpoint); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove checkpoint: %w", err)
	}
	return b, nil
}

// kept is the network that an earlier call left; nil where it did not come so far.
func kept(cfg *Config, set *dataset.Set, split dataset.Split, topo *topology.Topology, path string) (*inference.Bundle, error) {
	b, err := inference.ReadBundle(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // neither a network nor a fault
	}
	if err != nil {
		return nil, err
	}
	p := b.Provenance()
	same := slices.Equal(topology.Format(b.Topology()), topology.Format(topo)) &&
		slices.Equal(p.GetDataHash(), set.Hash[:]) && p.GetTrainer() == Version && maps.Equal(p.GetSettings(), cfg.Settings()) &&
		p.GetTrainFrames() == set.FramesOf(split.Train).String() && p.GetTestFrames() == set.FramesOf(split.Test).String()
	if !same {
		return nil, fmt.Errorf("bundle %s: %w", path, ErrOther)
	}
	return b, nil
}
