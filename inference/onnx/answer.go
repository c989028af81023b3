package onnx

import (
	"ganglion/inference"
	"ganglion/inference/topology"
)

// answer appends the exit rule (section III-D of the paper): of the exits in the
// order in which a sample meets them, the first whose normalized entropy is within
// its threshold; of the cloud's, any.
func (w *whole) answer(thresholds inference.Thresholds) {
	var takes, scores, entropies []string
	var codes, groups []int64
	for _, p := range w.exits {
		entropy := w.entropy(p)
		take := w.node("Greater", []string{p.counts, w.scalar(0)})
		if p.exit != topology.ExitCloud {
			within := w.node("LessOrEqual", []string{entropy, w.threshold(p, thresholds)})
			take = w.node("And", []string{take, within})
		}
		takes, scores, entropies = append(takes, take), append(scores, p.scores), append(entropies, entropy)
		for g := range w.exitsOf(p.exit) {
			codes, groups = append(codes, int64(p.exit)), append(groups, int64(g))
		}
	}
	n := int64(len(codes))
	take := w.node("Cast", []string{w.join(takes)}, integer("to", Float32.onWire()))
	first := w.node("ArgMax", []string{take}, integer("axis", 1), integer("keepdims", 0)) // the lowest of equals
	seen := w.node("Greater", []string{w.node("ReduceMax", []string{take}, ints("axes", 1), integer("keepdims", 0)), w.scalar(0)})

	exit := w.node("Gather", []string{w.integers("exits", codes, n), first})
	group := w.node("Gather", []string{w.integers("exit_groups", groups, n), first})
	at := w.node("Unsqueeze", []string{first, w.list(1)})
	chosen := w.node("GatherND", []string{w.join(scores), at}, integer("batch_dims", 1))
	class := w.node("ArgMax", []string{chosen}, integer("axis", 1), integer("keepdims", 0))
	entropy := w.node("GatherND", []string{w.join(entropies), at}, integer("batch_dims", 1))

	rest := w.outputs
	w.outputs = nil // the answer comes first
	none, nothing := w.index(0), w.integers("no_class", []int64{-1})
	w.output(w.node("Where", []string{seen, class, nothing}), Tensor{ClassName, Int64, []int64{Batch}})
	w.output(w.node("Where", []string{seen, exit, none}), Tensor{ExitName, Int64, []int64{Batch}})
	w.output(w.node("Where", []string{seen, group, none}), Tensor{GroupName, Int64, []int64{Batch}})
	w.output(chosen, Tensor{ScoresName, Float32, []int64{Batch, int64(len(w.network.Topology.Classes))}})
	w.output(entropy, Tensor{EntropyName, Float64, []int64{Batch}})
	w.outputs = append(w.outputs, rest...)
}

// exitsOf is the number of exits of a tier.
func (w *whole) exitsOf(e topology.Exit) int {
	if e == topology.ExitCloud {
		return 1
	}
	return len(w.network.Topology.Groups)
}

// join puts inputs one after the other on their second axis.
func (w *whole) join(inputs []string) string {
	return w.node("Concat", inputs, integer("axis", 1))
}

// entropy is the normalized entropy of each proposal, float64 [batch, exit], and an
// output: log z - sum d exp(d) / z over log |C|, with d = score - largest score and
// z = sum exp d.
func (w *whole) entropy(p proposals) string {
	last := ints("axes", -1)
	scores := w.node("Cast", []string{p.scores}, integer("to", Float64.onWire()))
	d := w.node("Sub", []string{scores, w.node("ReduceMax", []string{scores}, last, integer("keepdims", 1))})
	e := w.node("Exp", []string{d})
	z := w.node("ReduceSum", []string{e, w.list(-1)}, integer("keepdims", 0))
	weighted := w.node("ReduceSum", []string{w.node("Mul", []string{d, e}), w.list(-1)}, integer("keepdims", 0))
	x := w.node("Sub", []string{w.node("Log", []string{z}), w.node("Div", []string{weighted, z})})
	classes := w.doubles("classes", []float64{float64(len(w.network.Topology.Classes))})
	x = w.node("Div", []string{x, w.node("Log", []string{classes})})
	x = w.node("Max", []string{x, w.doubles("double_0", []float64{0})})
	x = w.node("Min", []string{x, w.doubles("double_1", []float64{1})})
	name := map[topology.Exit]string{
		topology.ExitLocal: LocalEntropyName, topology.ExitEdge: EdgeEntropyName, topology.ExitCloud: CloudEntropyName,
	}[p.exit]
	return w.output(x, Tensor{name, Float64, []int64{Batch, int64(w.exitsOf(p.exit))}})
}

// threshold is the threshold of each proposal, by the number of seen views that it
// rests on: float64 [batch, exit].
func (w *whole) threshold(p proposals, thresholds inference.Thresholds) string {
	views := len(w.network.Topology.Views)
	bySeen := make([]float64, views)
	for i := range bySeen {
		bySeen[i] = thresholds.At(p.exit, i+1)
	}
	table := w.doubles(ThresholdsName(p.exit), bySeen, int64(views))
	n := w.node("Cast", []string{w.node("Max", []string{p.counts, w.scalar(1)})}, integer("to", Int64.onWire()))
	n = w.node("Sub", []string{n, w.integers("one", []int64{1})})
	return w.node("Gather", []string{table, n})
}
