package main

import (
	"context"
	"fmt"
	"slices"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/node"
	"ganglion/node/nodetest"
)

// What a network learns from, and for how long. It learns on one street and works in
// another.
const (
	school   = "street:samples=160,seed=3"
	work     = "street:samples=%d,seed=4"
	epochs   = 5
	seed     = 1
	onlyView = 1 // the camera of a deployment with one device
)

// deploy trains a deployment, runs it on a mesh, and looks at what came of it.
func deploy(ctx context.Context, preset string, c config) (r *result, err error) {
	p := &program{ctx: ctx}
	defer p.end(&err)
	ref := fmt.Sprintf(work, c.samples)
	lessons, samples := nodetest.Data(p, school), nodetest.Data(p, ref)
	if preset == "b" || preset == "d" {
		lessons, samples, ref = oneCamera(p, lessons, samples)
	}
	b := halving(p, nodetest.Train(p, preset, lessons, seed, epochs), lessons)
	m := start(p, b, ref)
	run := m.Run(uint64(samples.Len()), c.period)
	m.AwaitRun(ctx, run)
	r = &result{preset: preset, bundle: b}
	judge := nodetest.NewJudge(b, samples)
	for _, v := range m.Verdicts(m.Names()[0], run) {
		r.add(v, judge)
	}
	r.measure(p, m)
	return r, nil
}

// halving is a bundle whose every exit answers the surer half of what it is shown, so that
// all exits are used: what training chooses may leave one of them without an answer.
func halving(p *program, b *inference.Bundle, lessons *dataset.Set) *inference.Bundle {
	model, t := b.Model(), b.Topology()
	scratch, outputs := model.NewScratch(), model.NewDeviceOutputs()
	entropies := map[topology.Exit][]float64{}
	for sample := range lessons.Len() {
		pixels := make([][]byte, len(t.Views))
		for view := range pixels {
			pixels[view] = lessons.View(sample, view)
		}
		model.Devices(outputs, pixels, scratch)
		for _, said := range model.Propose(outputs, t.AllViews(), scratch) {
			entropies[said.Exit] = append(entropies[said.Exit], said.Entropy)
		}
	}
	bySeen := map[topology.Exit][]float64{}
	for exit, all := range entropies {
		if exit == topology.ExitCloud {
			continue // the last tier always answers
		}
		slices.Sort(all)
		bySeen[exit] = slices.Repeat([]float64{all[len(all)/2]}, len(t.Views)) // whatever number of views is seen
	}
	thresholds, err := inference.NewThresholds(t, bySeen)
	if err != nil {
		p.Fatalf("%v", err)
	}
	if b, err = b.WithThresholds(thresholds, "the surer half at each exit"); err != nil {
		p.Fatalf("%v", err)
	}
	return b
}

// oneCamera is the data sets as one camera has them, and where a node finds the second: a
// folder of pictures.
func oneCamera(p *program, lessons, samples *dataset.Set) (_, _ *dataset.Set, ref string) {
	alone := func(set *dataset.Set) *dataset.Set {
		one, err := set.SelectViews([]int{onlyView})
		if err != nil {
			p.Fatalf("%v", err)
		}
		return one
	}
	lessons, samples = alone(lessons), alone(samples)
	ref = p.savePictures(samples)
	// A folder has its samples in an order of its own.
	samples, err := dataset.Open(ref, dataset.Options{Input: samples.Shape(), Classes: samples.Classes, Views: samples.Views})
	if err != nil {
		p.Fatalf("%v", err)
	}
	return lessons, samples, ref
}

// start starts a node for each view, one for each role of the tiers above, and waits until
// all have found their places.
func start(p *program, b *inference.Bundle, ref string) *nodetest.Mesh {
	t := b.Topology()
	const cloud = 1
	m := nodetest.Start(p,
		nodetest.Devices(ref, len(t.Views)), nodetest.Spares(len(t.Groups)+cloud), nodetest.Model(b),
		nodetest.Configure(func(c *node.Config) { c.Split = "all" }),
	)
	m.Settle(p.ctx)
	return m
}
