package command

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"ganglion/inference"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// triedOn is what thresholds would have done to the last samples of a mesh.
type triedOn struct {
	Samples uint64    `json:"samples"`
	Unknown uint64    `json:"unknown"` // of those after: they would have gone up to an exit that they never met
	Changed uint64    `json:"changed"` // to another class
	Before  triedSide `json:"before"`
	After   triedSide `json:"after"`
}

// triedSide is those samples under some thresholds.
type triedSide struct {
	Exits    map[string]evaluation.Number `json:"exits"` // shares of the samples
	Labelled uint64                       `json:"labelled"`
	Accuracy evaluation.Number            `json:"accuracy"`      // of the labelled
	Payload  evaluation.Number            `json:"payload_bytes"` // of a sample
}

// rehearse has a node try thresholds on its log.
func rehearse(ctx context.Context, n *control.Node, b *inference.Bundle, t inference.Thresholds) (triedOn, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	q := &controlpb.Thresholds{}
	exits := b.Topology().Exits()
	for _, exit := range exits[:len(exits)-1] {
		q.Exits = append(q.Exits, &controlpb.ExitThresholds{Exit: exit.String(), BySeen: t.BySeen(exit)})
	}
	answer, err := n.Rehearse(ctx, &controlpb.RehearseRequest{Thresholds: q})
	if err != nil {
		return triedOn{}, n.Explain(err)
	}
	return triedOn{
		Samples: answer.GetSamples(), Unknown: answer.GetUnknown(), Changed: answer.GetChanged(),
		Before: sideOf(exits, answer.GetBefore(), answer.GetSamples()), After: sideOf(exits, answer.GetAfter(), answer.GetSamples()),
	}, nil
}

func sideOf(exits []topology.Exit, r *controlpb.Rehearsal, samples uint64) triedSide {
	part := func(n, of uint64) evaluation.Number {
		if of == 0 {
			return evaluation.Number(math.NaN())
		}
		return evaluation.Number(float64(n) / float64(of))
	}
	out := triedSide{Exits: map[string]evaluation.Number{}, Payload: part(r.GetPayloadBytes(), samples)}
	for _, exit := range exits {
		out.Exits[exit.String()] = part(0, samples)
	}
	var right uint64
	for _, e := range r.GetExits() {
		out.Exits[e.GetExit()] = part(e.GetCount(), samples)
		out.Labelled += e.GetLabelled()
		right += e.GetRight()
	}
	out.Accuracy = part(right, out.Labelled)
	return out
}

// text is a change for people.
func (l *live) text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "mesh      %s\nbundle    %s\ngoal      %s\n", l.Mesh, l.Bundle, l.Goal)
	out.WriteString(l.rehearsalText())
	if c := l.Chosen; c != nil {
		fmt.Fprintf(&out, "\ndata      %s%s, %s: %d with a label and a view\n", c.Data, syntheticText(c.synthetic), splitText(c.Split), c.Samples)
		s := section{title: "On the samples that they were chosen on", names: []string{"", "before", "after"}}
		s.add("overall accuracy", percent(c.Before.Overall), percent(c.After.Overall))
		s.add("local exits", percent(c.Before.LocalExit), percent(c.After.LocalExit))
		if c.Before.EdgeExit != nil && c.After.EdgeExit != nil {
			s.add("edge exits", percent(*c.Before.EdgeExit), percent(*c.After.EdgeExit))
		}
		s.add("bytes per seen view", byteCount(c.Before.PayloadPerSeenView), byteCount(c.After.PayloadPerSeenView))
		out.WriteString(s.String())
	}
	s := section{title: "Thresholds", names: []string{"", "before", "after"}}
	for _, exit := range l.exits[:len(l.exits)-1] {
		for n := 1; n <= l.views; n++ {
			key := strconv.Itoa(n)
			s.add(fmt.Sprintf("T of %v, %d seen", exit, n), fmt.Sprintf("%.3f", l.Old[exit.String()][key]), fmt.Sprintf("%.3f", l.New[exit.String()][key]))
		}
	}
	out.WriteString(s.String() + "\n")
	switch {
	case l.DryRun:
		out.WriteString("nothing was changed: leave out --dry-run to make these the mesh's\n")
		return out.String()
	case l.Since != nil && l.Run != nil:
		fmt.Fprintf(&out, "in force  from beat %d of run %s on\n", *l.Since, *l.Run)
	default:
		out.WriteString("in force  now\n")
	}
	if *l.Counter > 0 {
		fmt.Fprintf(&out, "setting   number %d of this bundle; verdicts have it as settings %d\n", *l.Counter, *l.Version)
	}
	fmt.Fprintf(&out, "undo      %s\n", l.Undo)
	return out.String()
}

// rehearsalText is what the thresholds would have done.
func (l *live) rehearsalText() string {
	r := &l.Rehearsal
	if r.Samples == 0 {
		return "\nThe log of the mesh has no sample of this bundle yet, on which to see what they do.\n"
	}
	s := section{
		title: fmt.Sprintf("On the last %s of the mesh that met an exit", count(r.Samples, "sample", "samples")),
		names: []string{"", "before", "after"},
	}
	for _, exit := range l.exits {
		s.add(exit.String()+" exits", percent(r.Before.Exits[exit.String()]), percent(r.After.Exits[exit.String()]))
	}
	if r.Before.Labelled > 0 {
		s.add("accuracy", percent(r.Before.Accuracy), percent(r.After.Accuracy))
	}
	s.add("bytes per sample", byteCount(r.Before.Payload), byteCount(r.After.Payload))
	out := s.String()
	if r.Changed > 0 {
		out += fmt.Sprintf("  %s would have had another class.\n", count(r.Changed, "sample", "samples"))
	}
	if r.Unknown > 0 {
		out += fmt.Sprintf("  %s would have gone up to an exit that never saw them: what it would have said is\n  not known, and not in the accuracy.\n", count(r.Unknown, "sample", "samples"))
	}
	return out
}

// addThresholds says which thresholds are in force where they are not the bundle's own, and
// which come.
func addThresholds(f *facts, s *controlpb.StatusResponse) {
	is, next := s.GetThresholds(), s.GetThresholdsNext()
	if is.GetVersion() == 0 && next == nil {
		return
	}
	f.addf("exits", "%s", thresholdsText(is))
	if next != nil {
		f.addf("", "from beat %d on %s", next.GetSince(), thresholdsText(next))
	}
}

func thresholdsText(t *controlpb.Thresholds) string {
	if t.GetVersion() == 0 {
		return "the thresholds of the bundle"
	}
	var parts []string
	for _, e := range t.GetExits() {
		values := e.GetBySeen()
		for len(values) > 1 && values[len(values)-2] == values[len(values)-1] {
			values = values[:len(values)-1]
		}
		var words []string
		for _, v := range values {
			words = append(words, fmt.Sprintf("%.3g", v))
		}
		part := fmt.Sprintf("%s up to an entropy of %s", e.GetExit(), strings.Join(words, ", "))
		if len(words) > 1 {
			part += " by views seen"
		}
		parts = append(parts, part)
	}
	return fmt.Sprintf("%s (setting %d)", strings.Join(parts, "; "), t.GetCounter())
}
