package command

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
)

// dataFlags say which data set a verb works on.
type dataFlags struct {
	ref     string
	views   []string
	classes []string
	grid    string
}

// add gives a verb the flags.
func (f *dataFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.ref, "data", "street", `data set: an .npz file, a folder class/sample/view.png, a folder of idx files (MNIST), or "street", the built-in synthetic scene`)
	flags.StringSliceVar(&f.views, "views", nil, "use these views alone, in this order: names, or numbers from 0")
	flags.StringVar(&f.grid, "grid", "", "cut the pictures of idx files into rows x columns of tiles, as 2x3, each of them a view")
	flags.StringSliceVar(&f.classes, "classes", nil, "names of the classes, in the order of the labels (default: what the data says)")
}

// open reads the data set. Pictures of a folder are resized to input; the zero
// Shape is the data set's default.
func (f *dataFlags) open(input topology.Shape) (*dataset.Set, error) {
	return f.read(dataset.Options{Classes: f.classes, Input: input})
}

// openFor reads the data set to be answered by a network of a topology. A folder
// takes from it what its pictures do not say: the order of the classes, the views
// of which it may lack some, the size of a view.
func (f *dataFlags) openFor(t *topology.Topology) (*dataset.Set, error) {
	opts := dataset.Options{Classes: f.classes}
	if info, err := os.Stat(f.ref); err == nil && info.IsDir() {
		opts.Input = t.Input
		if len(f.classes) == 0 {
			opts.Classes = t.Classes
		}
		if len(f.views) == 0 {
			opts.Views = t.Views
		}
	}
	set, err := f.read(opts)
	if err != nil {
		return nil, err
	}
	return set, evaluation.CheckFit(t, set)
}

func (f *dataFlags) read(opts dataset.Options) (*dataset.Set, error) {
	if f.ref == "" {
		return nil, usagef("--data is missing: give an .npz file, an image folder, a folder of idx files, or street")
	}
	if f.grid != "" {
		grid, err := dataset.ParseGrid(f.grid)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--grid: %w", err)}
		}
		// From here on the reference says all of it, for whoever is handed it.
		f.ref, f.grid = grid.Ref(f.ref), ""
	}
	set, err := dataset.Open(f.ref, opts)
	if err != nil || len(f.views) == 0 {
		return set, err
	}
	views := make([]int, 0, len(f.views))
	for _, ref := range f.views {
		v, err := set.ViewIndex(ref)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return set.SelectViews(views)
}

// openBundle reads the bundle that --model names; without a name it is the embedded
// one.
func openBundle(path string) (*inference.Bundle, error) {
	if path == "" {
		return builtin.Bundle()
	}
	return inference.ReadBundle(path)
}

// partOf is the samples of the part that a bundle remembers of its own data. Of any
// other data, and with all, it is every sample; unless that was asked for, a remark
// says so.
func partOf(part evaluation.Part, b *inference.Bundle, set *dataset.Set, all bool, remarks io.Writer) (samples []int, split string, err error) {
	if all {
		return evaluation.Every(set), evaluation.SplitAll, nil
	}
	samples, found, err := evaluation.Remembered(b, set, part)
	if err != nil {
		return nil, "", err
	}
	if !found {
		fmt.Fprintf(remarks, "ganglion: bundle %s remembers no %v frames of data set %s: using all %d samples\n", b.ID().Short(), part, set.Name, len(samples))
		return samples, evaluation.SplitAll, nil
	}
	return samples, part.String(), nil
}
