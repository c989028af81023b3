package reference

import (
	"context"
	"fmt"
	"math/rand/v2"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// Compared counts what Compare found equal.
type Compared struct {
	Bits   int // feature bits
	Scores int // scores of devices and of exits
}

// Compare runs the packed network of a bundle and the plain one on random samples
// of which random views are missing, and fails at the first feature bit or score
// that differs. It stops early when ctx ends.
func Compare(ctx context.Context, b *inference.Bundle, samples int, seed uint64) (Compared, error) {
	c := comparison{
		network: Network{Topology: b.Topology(), Content: b.Content()},
		model:   b.Model(), scratch: b.Model().NewScratch(), outputs: b.Model().NewDeviceOutputs(),
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range samples {
		if err := ctx.Err(); err != nil {
			return c.done, err
		}
		pixels := randomPixels(random, b.Topology())
		seen := random.Uint64() & b.Topology().AllViews()
		if seen == 0 {
			seen = 1
		}
		if err := c.sample(pixels, seen); err != nil {
			return c.done, fmt.Errorf("sample %d with views %b: %w", i, seen, err)
		}
	}
	return c.done, nil
}

// randomPixels is noise around a random level for each view: levels and noise
// differ, so that thresholds are met from both sides.
func randomPixels(random *rand.Rand, t *topology.Topology) [][]byte {
	pixels := make([][]byte, len(t.Views))
	for v := range pixels {
		pixels[v] = make([]byte, t.Input.Size())
		level, noise := random.IntN(256), 1+random.IntN(255)
		for i := range pixels[v] {
			pixels[v][i] = byte(min(255, max(0, level+random.IntN(2*noise)-noise)))
		}
		pixels[v][0] |= 1 // present by every rule
	}
	return pixels
}

type comparison struct {
	network Network
	model   *inference.Model
	scratch *inference.Scratch
	outputs *inference.DeviceOutputs
	done    Compared
}

func (c *comparison) sample(pixels [][]byte, seen uint64) error {
	want := c.network.Forward(pixels, seen)
	c.model.Devices(c.outputs, pixels, c.scratch)
	for v := range pixels {
		if seen>>v&1 == 0 {
			continue
		}
		got := c.outputs.View(v)
		if err := c.bits(got.Features, want.Features[v]); err != nil {
			return fmt.Errorf("view %d: %w", v, err)
		}
		if err := c.scores(got.Scores, want.DeviceScores[v]); err != nil {
			return fmt.Errorf("view %d: %w", v, err)
		}
	}
	for _, p := range c.model.Propose(c.outputs, seen, c.scratch) {
		if err := c.scores(p.Scores, want.scores(p)); err != nil {
			return fmt.Errorf("%s exit of group %d: %w", p.Exit, p.Group, err)
		}
	}
	return nil
}

// scores are those of the exit that a proposal comes from.
func (r *Result) scores(p inference.Proposal) []float32 {
	if p.Exit == topology.ExitLocal {
		return r.Local[p.Group]
	}
	if p.Exit == topology.ExitEdge {
		return r.EdgeScores[p.Group]
	}
	return r.Cloud
}

func (c *comparison) bits(packed []byte, want Map) error {
	for i, x := range want.Data {
		bit := i%want.Pixels()*want.Channels + i/want.Pixels()
		if got := packed[bit/8]>>(bit%8)&1 == 1; got != (x > 0) {
			return fmt.Errorf("feature %d of %v is %t, the plain network's is %v", i, want.Shape, got, x)
		}
	}
	c.done.Bits += len(want.Data)
	return nil
}

func (c *comparison) scores(got, want []float32) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d scores, the plain network has %d", len(got), len(want))
	}
	for class := range want {
		if got[class] != want[class] {
			return fmt.Errorf("score of class %d is %v, the plain network's is %v", class, got[class], want[class])
		}
	}
	c.done.Scores += len(want)
	return nil
}
