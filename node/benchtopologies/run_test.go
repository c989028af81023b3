package benchtopologies

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganglion/inference/dataset"
	"ganglion/inference/train"
)

// tiny is a comparison of networks that hardly learn, without live runs.
func tiny(t *testing.T, folder string) Config {
	t.Helper()
	set, err := dataset.Open("street:samples=60,seed=3", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if set, err = set.SelectViews([]int{0, 2}); err != nil {
		t.Fatal(err)
	}
	c := Config{Program: os.Args[0], Set: set, Train: train.Defaults(), Folder: folder}
	c.Train.Seed, c.Train.Epochs, c.Train.WarmUp, c.Train.ValidateEvery, c.Train.Passes = 1, 1, 0, 1, 1
	return c
}

func silent(string, int, int) {}

// Every network must be there once, b and d as the view that validation chose, and a second
// run must train nothing: who measures again must not wait for training, nor get another
// network.
func TestTrainsOnceAndKeeps(t *testing.T) {
	folder := t.TempDir()
	first, err := Run(t.Context(), tiny(t, folder), silent, nil)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	bundles := map[string]string{}
	for _, n := range first.Networks {
		name := n.Name + " " + n.View
		rows = append(rows, strings.TrimSpace(strings.Replace(name, n.View, map[bool]string{true: "view"}[n.View != ""], 1)))
		bundles[name] = n.Bundle
		if _, err := os.Stat(n.Model); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, want := strings.Join(rows, ", "), "a, float, b view, c, d view, e, f, elastic, alone view, alone view"; got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
	if first.Claim == nil || first.Claim.Alone.Other == "" {
		t.Errorf("there is no claim: %+v", first.Claim)
	}
	for _, n := range first.Networks {
		if n.Name == "b" && bundles["alone "+n.View] != n.Bundle {
			t.Errorf("b is none of the views alone")
		}
	}
	trained := 0
	again, err := Run(t.Context(), tiny(t, folder), func(string, int, int) { trained++ }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if trained > 0 {
		t.Errorf("the second run trained: it told %d times", trained)
	}
	for i, n := range again.Networks {
		if n.Bundle != first.Networks[i].Bundle || n.Accuracy != first.Networks[i].Accuracy {
			t.Errorf("%s was %s with %v, is %s with %v", n.Name, first.Networks[i].Bundle, first.Networks[i].Accuracy, n.Bundle, n.Accuracy)
		}
	}
}

// Networks of another budget in the folder must not be measured as if they were of this one.
func TestRefusesOtherNetworks(t *testing.T) {
	c := tiny(t, t.TempDir())
	c.Only = []string{"c"}
	if _, err := Run(t.Context(), c, silent, nil); err != nil {
		t.Fatal(err)
	}
	c.Train.Seed = 2
	if _, err := Run(t.Context(), c, silent, nil); !errors.Is(err, train.ErrOther) || !strings.Contains(err.Error(), "c.ganglion") {
		t.Errorf("error %v, want ErrOther that names the file", err)
	}
}

// Ctrl-C in training leaves a checkpoint, and the next run ends with the network that one
// without a pause makes.
func TestGoesOnAfterInterruption(t *testing.T) {
	whole, parts := tiny(t, t.TempDir()), tiny(t, t.TempDir())
	for _, c := range []*Config{&whole, &parts} {
		c.Only, c.Train.Epochs = []string{"c"}, 3
	}
	want, err := Run(t.Context(), whole, silent, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = Run(ctx, parts, func(_ string, epoch, _ int) {
		if epoch == 2 {
			cancel()
		}
	}, nil)
	if !errors.Is(err, train.ErrInterrupted) {
		t.Fatalf("error %v, want that it was interrupted", err)
	}
	if _, err := os.Stat(filepath.Join(parts.Folder, "c.ganglion.checkpoint")); err != nil {
		t.Error(err)
	}
	got, err := Run(t.Context(), parts, silent, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Networks[0].Bundle != want.Networks[0].Bundle {
		t.Errorf("bundle %s, want %s", got.Networks[0].Bundle, want.Networks[0].Bundle)
	}
}

// Of one view there are no two groups: the others are compared, and it is said at once where
// the two groups are asked for, not after six trainings.
func TestOneView(t *testing.T) {
	c := tiny(t, t.TempDir())
	var err error
	if c.Set, err = c.Set.SelectViews([]int{1}); err != nil {
		t.Fatal(err)
	}
	result, err := Run(t.Context(), c, silent, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range result.Networks {
		if n.Name == halves {
			t.Errorf("%s of one view was trained", halves)
		}
	}
	c.Only = []string{"c", halves}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "one view") {
		t.Errorf("%s of one view: %v", halves, err)
	}
}
