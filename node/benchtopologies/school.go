package benchtopologies

import (
	"context"
	"fmt"
	"path/filepath"

	"ganglion/inference/train"
)

// extension is that of the files of networks.
const extension = ".ganglion"

// school trains a contender, or finds it where an earlier run left it, and has it answer
// the test samples.
func (r *running) school(ctx context.Context, c *contender, done, of int) error {
	path := r.path(c)
	told := func(p train.Progress) {
		r.progress(fmt.Sprintf("train %s (%d of %d), epoch", c.file, done+1, of), p.Epoch, p.Epochs)
	}
	config := r.config.Train
	config.Resume = true // a second run measures only
	b, err := train.Keep(ctx, config, c.set, c.split, c.topology, path, told)
	if err != nil {
		return fmt.Errorf("%s: %w", c.file, err)
	}
	c.bundle, c.test = b, answer(b, c.set, c.split.Test)
	return nil
}

func (r *running) path(c *contender) string { return filepath.Join(r.config.Folder, c.file+extension) }

// contenders trains all networks that are asked for. Those alone come first: which view b
// and d are of hangs on them.
func (r *running) contenders(ctx context.Context) (all []*contender, err error) {
	var whole, pairs []string
	for _, name := range Names() {
		switch {
		case !r.config.wants(name) || name == Alone:
		case single(name):
			pairs = append(pairs, name)
		default:
			whole = append(whole, name)
		}
	}
	views := len(r.config.Set.Views)
	alone := 0
	if r.config.wants(Alone) || len(pairs) > 0 {
		alone = views
	}
	of := alone + len(whole)
	if r.config.wants("d") {
		of++
	}
	byFile := map[string]*contender{}
	school := func(c *contender, err error) error {
		if err == nil {
			err = r.school(ctx, c, len(byFile), of)
		}
		if err == nil {
			byFile[c.file] = c
		}
		return err
	}
	for v := range alone {
		if err := school(r.oneView("b", v)); err != nil {
			return nil, err
		}
	}
	best := bestByValidation(byFile, alone)
	if r.config.wants("d") {
		if err := school(r.oneView("d", best)); err != nil {
			return nil, err
		}
	}
	for _, name := range whole {
		if err := school(r.allViews(name)); err != nil {
			return nil, err
		}
	}
	return r.ordered(byFile, best), nil
}

// bestByValidation is the view whose network answers most of the validation samples
// rightly, the first of several.
func bestByValidation(byFile map[string]*contender, views int) (best int) {
	most := -1
	for v := range views {
		c := byFile[fileName("b", v)]
		a := answer(c.bundle, c.set, c.split.Validation)
		if n := a.rights(); n > most {
			best, most = v, n
		}
	}
	return best
}

// ordered is the contenders in the order of the table, b and d as such.
func (r *running) ordered(byFile map[string]*contender, best int) (all []*contender) {
	for _, name := range Names() {
		switch {
		case !r.config.wants(name):
		case single(name):
			one := *byFile[fileName(name, best)]
			one.name = name
			all = append(all, &one)
		case name == Alone:
			for v := range r.config.Set.Views {
				all = append(all, byFile[fileName("b", v)])
			}
		default:
			all = append(all, byFile[name])
		}
	}
	return all
}
