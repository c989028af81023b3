package benchtopologies

import (
	"math"
	"slices"

	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/node/benchmesh"
)

// Result is what a comparison came to. Its JSON is stable: keys are added, never renamed.
type Result struct {
	benchmesh.Machine

	Data      string  `json:"data"`
	DataHash  string  `json:"data_hash"`
	Synthetic bool    `json:"synthetic"` // the data was rendered, not photographed
	Frames    string  `json:"frames"`    // of the test samples, as ranges
	Samples   int     `json:"samples"`   // test samples
	Seed      uint64  `json:"seed"`
	Epochs    int     `json:"epochs"` // at most, for each network
	Rate      float64 `json:"rate"`   // samples a second of the live runs

	Networks []Network `json:"networks"`
	Claim    *Claim    `json:"claim"` // null: not all that it needs was compared
}

// Network is a row of the table.
type Network struct {
	Name     string `json:"name"`     // of Names
	Topology string `json:"topology"` // its own name
	View     string `json:"view"`     // the only one; empty: it has all
	Model    string `json:"model"`    // file
	Bundle   string `json:"bundle"`   // ID
	Weights  int64  `json:"weight_bytes"`

	Accuracy         evaluation.Number            `json:"accuracy"` // of all labelled samples: one that it does not see is not answered
	Interval         evaluation.Interval          `json:"interval"` // Wilson's, 95 %
	Answered         evaluation.Number            `json:"answered"` // share of the labelled samples
	AnsweredAccuracy evaluation.Number            `json:"answered_accuracy"`
	AnsweredInterval evaluation.Interval          `json:"answered_interval"`
	Exits            map[string]evaluation.Number `json:"exits"` // share of samples, "none" included

	UplinkPerSample evaluation.Number `json:"uplink_bytes_per_sample"`
	Live            []Live            `json:"live"` // by delay
}

// Claim is the central claim of the paper, put to the test.
type Claim struct {
	Accuracy evaluation.Number   `json:"accuracy"` // of Distributed
	Interval evaluation.Interval `json:"interval"`
	Alone    Versus              `json:"alone"` // the best view alone, by these very samples
	Float    Versus              `json:"float"` // all pictures to one float network
}

// networkOf is the row of a contender, without its live runs.
func (r *running) networkOf(c *contender) Network {
	b, a := c.bundle, &c.test
	n := Network{
		Name: c.name, Topology: b.Topology().Name, Model: r.path(c), Bundle: b.ID().String(), Weights: b.Topology().WeightBytes(),
		Accuracy: share(a.rights(), a.labelled), Interval: evaluation.Wilson(a.rights(), a.labelled),
		Answered:         share(a.answered, a.labelled),
		AnsweredAccuracy: share(a.rights(), a.answered), AnsweredInterval: evaluation.Wilson(a.rights(), a.answered),
		Exits:           map[string]evaluation.Number{topology.ExitNone.String(): share(a.exits[topology.ExitNone], len(a.right))},
		UplinkPerSample: evaluation.Number(float64(a.uplink) / float64(max(len(a.right), 1))),
		Live:            []Live{},
	}
	if c.view >= 0 {
		n.View = r.config.Set.Views[c.view]
	}
	for _, e := range b.Topology().Exits() {
		n.Exits[e.String()] = share(a.exits[e], len(a.right))
	}
	return n
}

func share(n, of int) evaluation.Number {
	if of == 0 {
		return evaluation.Number(math.NaN())
	}
	return evaluation.Number(float64(n) / float64(of))
}

// claim holds the distributed network against the others; nil where one of them is absent.
func claim(all []*contender, rows []Network) *Claim {
	find := func(name string) int { return slices.IndexFunc(rows, func(n Network) bool { return n.Name == name }) }
	ours, float, alone := find(Distributed), find(Float), find(Alone)
	if ours < 0 || float < 0 || alone < 0 {
		return nil
	}
	for i, n := range rows {
		if n.Name == Alone && n.Accuracy > rows[alone].Accuracy {
			alone = i
		}
	}
	against := func(other int, name string) Versus {
		v := versus(&all[ours].test, &all[other].test)
		v.Other, v.Accuracy, v.Interval = name, rows[other].Accuracy, rows[other].Interval
		v.TimesBytes = payload(&rows[other]) / payload(&rows[ours])
		return v
	}
	return &Claim{
		Accuracy: rows[ours].Accuracy, Interval: rows[ours].Interval,
		Alone: against(alone, rows[alone].View), Float: against(float, Float),
	}
}

// payload is what devices send per sample, in bytes; NaN where nothing was run live.
func payload(n *Network) evaluation.Number {
	if len(n.Live) == 0 {
		return evaluation.Number(math.NaN())
	}
	return n.Live[0].PayloadPerSample
}
