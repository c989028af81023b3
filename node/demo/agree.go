package demo

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
)

// Difference is a sample whose verdict is not what one process would have answered.
type Difference struct {
	Sample string `json:"sample"` // site/run/beat
	Ref    int    `json:"ref"`    // index of the sample in the data set
	What   string `json:"what"`   // differs
}

// Judge holds verdicts against the whole network run in this process. It is not safe for
// concurrent use.
type Judge struct {
	bundle  *inference.Bundle
	set     *dataset.Set
	samples []int
	scratch *inference.Scratch
	outputs *inference.DeviceOutputs
}

// NewJudge is a judge of verdicts on samples of a set, which are replayed by beat: beat b
// shows samples[b mod len(samples)].
func NewJudge(b *inference.Bundle, set *dataset.Set, samples []int) *Judge {
	return &Judge{
		bundle: b, set: set, samples: samples,
		scratch: b.Model().NewScratch(), outputs: b.Model().NewDeviceOutputs(),
	}
}

// RefAt is the sample that is shown at a beat.
func (j *Judge) RefAt(beat uint64) int { return j.samples[beat%uint64(len(j.samples))] }

// Label is the class of a sample; -1: the data set does not say it.
func (j *Judge) Label(ref int) int { return j.set.Labels[ref] }

// Check says in what a verdict of a beat differs from the forward pass of the bundle on
// the sample that the beat shows; empty: in nothing. Everything that the verdict says of
// its exits is compared, scores and entropies bit for bit: on exactly the views that the
// verdict rests on, which must be all that the sample has, and must not have stopped early.
func (j *Judge) Check(v *controlpb.Verdict) string {
	t := j.bundle.Topology()
	switch {
	case v.Beat == nil:
		return "it is of no beat"
	case v.GetExit() == refused:
		return "every device refused it"
	}
	ref := j.RefAt(v.GetBeat())
	pixels := make([][]byte, len(t.Views))
	for view := range pixels {
		pixels[view] = j.set.View(ref, view)
	}
	j.bundle.Model().Devices(j.outputs, pixels, j.scratch)
	seen, fault := viewSet(t, v.GetSeen())
	nothing, fault2 := viewSet(t, v.GetNothing())
	switch {
	case fault != "" || fault2 != "":
		return fault + fault2
	case seen != j.outputs.Seen || nothing != j.outputs.Nothing || len(v.GetMissing()) > 0:
		return j.unseen(v, seen)
	case v.GetStoppedEarly():
		return "it stopped early: the tier above was silent"
	case v.GetBundle() != j.bundle.ID().String():
		return fmt.Sprintf("it is of bundle %.12s, not %s", v.GetBundle(), j.bundle.ID().Short())
	case v.Ref == nil || v.GetRef() != int64(ref):
		return fmt.Sprintf("it names sample %s of the data set, beat %d shows %d", refText(v), v.GetBeat(), ref)
	case v.GetLabel() != className(t, j.Label(ref)):
		return fmt.Sprintf("it names label %q, the data set %q", v.GetLabel(), className(t, j.Label(ref)))
	}
	return j.answers(v, seen)
}

// unseen says which views a verdict lacks, and why.
func (j *Judge) unseen(v *controlpb.Verdict, seen uint64) string {
	t := j.bundle.Topology()
	var parts []string
	for set := j.outputs.Seen &^ seen; set != 0; set &= set - 1 {
		view := t.Views[bits.TrailingZeros64(set)]
		reason := ""
		for _, m := range v.GetMissing() {
			if m.GetView() == view && m.GetReason() != "" {
				reason = " (" + m.GetReason() + ")"
			}
		}
		parts = append(parts, view+reason)
	}
	if len(parts) > 0 {
		return "views that the sample has are missing: " + strings.Join(parts, ", ")
	}
	return fmt.Sprintf("it was seen by %v and %v saw nothing, which is not what the sample has", v.GetSeen(), v.GetNothing())
}

// answers compares what the exits said with the forward pass on the seen views: the exits
// up to the answering one in the order in which one process meets them, and whatever else
// was proposed with what it would have been.
func (j *Judge) answers(v *controlpb.Verdict, seen uint64) string {
	model, t := j.bundle.Model(), j.bundle.Topology()
	want := model.Answer(j.outputs, seen, j.bundle.Thresholds(), j.scratch)
	met := int(v.GetAnswered()) + 1
	switch {
	case v.GetExit() != want.Exit.String() || v.GetClass() != className(t, want.Class):
		return fmt.Sprintf("it answers %q at exit %s, one process %q at exit %s", v.GetClass(), v.GetExit(), className(t, want.Class), want.Exit)
	case met != len(want.Proposals) || met > len(v.GetProposals()):
		return fmt.Sprintf("it met %d exits, one process %d", met, len(want.Proposals))
	}
	all := model.Propose(j.outputs, seen, j.scratch)
	for i, p := range v.GetProposals() {
		q := i // place in want, and behind its end anywhere in all
		of := want.Proposals
		if i >= met {
			of = all
			q = slices.IndexFunc(of, func(q inference.Proposal) bool {
				return q.Exit.String() == p.GetExit() && q.Group == int(p.GetGroup())
			})
		}
		if q < 0 {
			return fmt.Sprintf("exit %s of group %d proposes, in one process it does not", p.GetExit(), p.GetGroup())
		}
		if what := j.differs(p, &of[q]); what != "" {
			return what
		}
	}
	if len(want.Proposals) == 0 {
		return ""
	}
	return answering(t, v, &want)
}

// answering compares what a verdict says of the answering exit alone.
func answering(t *topology.Topology, v *controlpb.Verdict, want *inference.Verdict) string {
	last := want.Proposals[len(want.Proposals)-1]
	used := want.Seen
	if last.Exit != topology.ExitCloud {
		used &= t.GroupMask(last.Group)
	}
	if set, fault := viewSet(t, v.GetUsed()); fault != "" || set != used {
		return fmt.Sprintf("it rests on views %v, which is not what exit %s has", v.GetUsed(), last.Exit)
	}
	same := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
	if p := want.Probabilities(); !slices.EqualFunc(v.GetProbabilities(), p, same) {
		return fmt.Sprintf("it has probabilities %v, one process %v", v.GetProbabilities(), p)
	}
	return ""
}

// differs compares what an exit said with what it should have, bit for bit.
func (j *Judge) differs(got *controlpb.Proposal, want *inference.Proposal) string {
	t := j.bundle.Topology()
	where := "exit " + got.GetExit()
	if len(t.Groups) > 1 && want.Exit != topology.ExitCloud {
		where = fmt.Sprintf("%s of group %d", where, got.GetGroup())
	}
	switch {
	case got.GetExit() != want.Exit.String() || int(got.GetGroup()) != want.Group:
		return fmt.Sprintf("%s answers, in one process exit %s of group %d", where, want.Exit, want.Group)
	case int(got.GetSeen()) != want.Seen:
		return fmt.Sprintf("%s rests on %d views, in one process on %d", where, got.GetSeen(), want.Seen)
	case got.GetClass() != className(t, want.Class):
		return fmt.Sprintf("%s says %q, in one process %q", where, got.GetClass(), className(t, want.Class))
	case math.Float64bits(got.GetEntropy()) != math.Float64bits(want.Entropy):
		return fmt.Sprintf("%s has entropy %v, in one process %v", where, got.GetEntropy(), want.Entropy)
	case got.GetThreshold() != j.bundle.Thresholds().At(want.Exit, want.Seen):
		return fmt.Sprintf("%s has threshold %v, in one process %v", where, got.GetThreshold(), j.bundle.Thresholds().At(want.Exit, want.Seen))
	case len(got.GetScores()) != len(want.Scores):
		return fmt.Sprintf("%s has %d scores, in one process %d", where, len(got.GetScores()), len(want.Scores))
	}
	for c, s := range got.GetScores() {
		if math.Float32bits(s) != math.Float32bits(want.Scores[c]) {
			return fmt.Sprintf("%s has score %v for %s, in one process %v", where, s, t.Classes[c], want.Scores[c])
		}
	}
	return ""
}

// refused stands where an exit would, of a sample that every device refused.
const refused = "refused"

func className(t *topology.Topology, c int) string {
	if c < 0 || c >= len(t.Classes) {
		return ""
	}
	return t.Classes[c]
}

func refText(v *controlpb.Verdict) string {
	if v.Ref == nil {
		return "none"
	}
	return fmt.Sprint(v.GetRef())
}

// viewSet is the set of views with these names.
func viewSet(t *topology.Topology, names []string) (set uint64, fault string) {
	for _, n := range names {
		i := slices.Index(t.Views, n)
		if i < 0 {
			return 0, fmt.Sprintf("the model has no view %q", n)
		}
		set |= 1 << i
	}
	return set, ""
}
