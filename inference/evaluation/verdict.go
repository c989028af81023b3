package evaluation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// Verdict is the answer for one sample, as a line of JSON.
type Verdict struct {
	Ref           int               `json:"ref"`           // index of the sample in the data set
	Label         *string           `json:"label"`         // null: none
	Class         *string           `json:"class"`         // null: no view was seen
	Probabilities []Number          `json:"probabilities"` // by class; null where there is no class
	Exit          string            `json:"exit"`
	Entropy       map[string]Number `json:"entropy"` // normalized, at each exit that the sample met; with several groups by "exit/group"
	Seen          []int             `json:"seen"`    // views, from 0
	Nothing       []int             `json:"nothing"` // views with nothing in view
	Missing       []int             `json:"missing"` // views from which nothing came
}

// WriteVerdicts answers samples by the exit rule and writes each Verdict to w, in the
// order of samples, as a line of JSON.
func WriteVerdicts(ctx context.Context, w io.Writer, b *inference.Bundle, set *dataset.Set, samples []int) error {
	if err := CheckFit(b.Topology(), set); err != nil {
		return fmt.Errorf("write verdicts: %w", err)
	}
	lines := json.NewEncoder(w)
	scratch := b.Model().NewScratch()
	pixels := make([][]byte, len(set.Views))
	for _, sample := range samples {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("write verdicts: %w", err)
		}
		for v := range pixels {
			pixels[v] = set.View(sample, v)
		}
		answered := b.Model().Classify(pixels, b.Thresholds(), scratch)
		if err := lines.Encode(newVerdict(b.Topology(), sample, set.Labels[sample], &answered)); err != nil {
			return fmt.Errorf("write verdicts: %w", err)
		}
	}
	return nil
}

func newVerdict(t *topology.Topology, ref, label int, v *inference.Verdict) Verdict {
	out := Verdict{
		Ref: ref, Exit: v.Exit.String(), Entropy: map[string]Number{},
		Seen: members(v.Seen), Nothing: members(v.Nothing), Missing: members(v.Missing),
	}
	if label != dataset.NotPresent {
		out.Label = &t.Classes[label]
	}
	if v.Exit != topology.ExitNone {
		out.Class = &t.Classes[v.Class]
	}
	for _, p := range v.Probabilities() {
		out.Probabilities = append(out.Probabilities, Number(p))
	}
	for _, p := range v.Proposals {
		key := p.Exit.String()
		if p.Exit != topology.ExitCloud && len(t.Groups) > 1 {
			key = fmt.Sprintf("%s/%d", key, p.Group)
		}
		out.Entropy[key] = Number(p.Entropy)
	}
	return out
}
