package nodetest

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
)

// Judge holds verdicts against one process that runs the whole network.
type Judge struct {
	bundle  *inference.Bundle
	set     *dataset.Set
	scratch *inference.Scratch
	outputs *inference.DeviceOutputs
}

// NewJudge is a judge of verdicts of a bundle on samples of a data set.
func NewJudge(b *inference.Bundle, set *dataset.Set) *Judge {
	m := b.Model()
	return &Judge{bundle: b, set: set, scratch: m.NewScratch(), outputs: m.NewDeviceOutputs()}
}

// Differs says in what a verdict differs from the forward pass of the bundle on the views
// that it has as seen: class, exit, and of every exit that it met scores and entropy, bit
// for bit. Empty: in nothing. A missing view is no difference; a view that is said to have
// nothing in view where the data set has something is one.
//
// Where a tier answered from fewer views than were seen, because the features of others
// did not come in time, the answer is compared with what that exit says of the views that
// the verdict has as used. [Judge.Partial] tells such a verdict.
func (j *Judge) Differs(v *controlpb.Verdict) string {
	t := j.bundle.Topology()
	if v.Ref == nil || v.GetRef() < 0 || v.GetRef() >= int64(j.set.Len()) {
		return fmt.Sprintf("%s names no sample of the data set", v.GetSample())
	}
	if v.GetBundle() != j.bundle.ID().String() {
		return fmt.Sprintf("%s is of bundle %.12s, not %s", v.GetSample(), v.GetBundle(), j.bundle.ID().Short())
	}
	pixels := make([][]byte, len(t.Views))
	for view := range pixels {
		pixels[view] = j.set.View(int(v.GetRef()), view)
	}
	j.bundle.Model().Devices(j.outputs, pixels, j.scratch)
	seen, nothing := maskOf(t, v.GetSeen()), maskOf(t, v.GetNothing())
	if seen&^j.outputs.Seen != 0 || nothing&^j.outputs.Nothing != 0 {
		return fmt.Sprintf("%s has views %v as seen and %v as nothing in view, which is not what sample %d shows",
			v.GetSample(), v.GetSeen(), v.GetNothing(), v.GetRef())
	}
	if int(v.GetAnswered()) >= len(v.GetProposals()) {
		return fmt.Sprintf("%s was answered by an exit that it does not have", v.GetSample())
	}
	if j.Partial(v) {
		return j.partly(v, seen)
	}
	want := j.bundle.Model().Answer(j.outputs, seen, j.bundle.Thresholds(), j.scratch)
	got := v.GetProposals()[:v.GetAnswered()+1]
	switch {
	case v.GetExit() != want.Exit.String() || v.GetClass() != className(t, want.Class):
		return fmt.Sprintf("%s answers %q at exit %s, one process %q at exit %s", v.GetSample(), v.GetClass(), v.GetExit(), className(t, want.Class), want.Exit)
	case len(got) != len(want.Proposals):
		return fmt.Sprintf("%s met %d exits, one process %d", v.GetSample(), len(got), len(want.Proposals))
	}
	for i, p := range got {
		if !same(t, p, &want.Proposals[i]) {
			return fmt.Sprintf("%s has %v, one process %+v", v.GetSample(), p, want.Proposals[i])
		}
	}
	return ""
}

// Partial tells a verdict in which a tier did without views that were seen, or that stopped
// early because the tier above was silent: right, but not what a process by itself would
// have said. It comes of a machine that is too busy, or of a node that dies.
func (j *Judge) Partial(v *controlpb.Verdict) bool {
	t := j.bundle.Topology()
	seen := maskOf(t, v.GetSeen())
	return v.GetStoppedEarly() || slices.ContainsFunc(v.GetProposals(), func(p *controlpb.Proposal) bool {
		of := seen
		if p.GetExit() != topology.ExitCloud.String() && int(p.GetGroup()) < len(t.Groups) {
			of &= t.GroupMask(int(p.GetGroup()))
		}
		return int(p.GetSeen()) != bits.OnesCount64(of)
	})
}

// partly compares the answer of a partial verdict with what its exit says of the views that
// were used.
func (j *Judge) partly(v *controlpb.Verdict, seen uint64) string {
	t := j.bundle.Topology()
	used := maskOf(t, v.GetUsed())
	if used == 0 || used&^seen != 0 || v.GetAnswered() < 0 {
		return fmt.Sprintf("%s rests on views %v, it has seen %v", v.GetSample(), v.GetUsed(), v.GetSeen())
	}
	got := v.GetProposals()[v.GetAnswered()]
	for _, want := range j.bundle.Model().Propose(j.outputs, used, j.scratch) {
		if got.GetExit() != want.Exit.String() || int(got.GetGroup()) != want.Group {
			continue
		}
		if !same(t, got, &want) || v.GetClass() != got.GetClass() || v.GetExit() != got.GetExit() {
			return fmt.Sprintf("%s answers %v from %v, one process %+v", v.GetSample(), got, v.GetUsed(), want)
		}
		return ""
	}
	return fmt.Sprintf("%s answers at exit %s of group %d, which has nothing to say of views %v", v.GetSample(), got.GetExit(), got.GetGroup(), v.GetUsed())
}

// same compares what an exit said, bit for bit.
func same(t *topology.Topology, got *controlpb.Proposal, want *inference.Proposal) bool {
	equal := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
	return got.GetExit() == want.Exit.String() && int(got.GetGroup()) == want.Group && int(got.GetSeen()) == want.Seen &&
		got.GetClass() == className(t, want.Class) && math.Float64bits(got.GetEntropy()) == math.Float64bits(want.Entropy) &&
		slices.EqualFunc(got.GetScores(), want.Scores, equal)
}

func className(t *topology.Topology, class int) string {
	if class < 0 {
		return ""
	}
	return t.Classes[class]
}

// maskOf is the set of views with these names; what is no view of the topology is in no
// data set, either.
func maskOf(t *topology.Topology, names []string) (mask uint64) {
	for _, name := range names {
		v := slices.Index(t.Views, name)
		if v < 0 {
			v = topology.MaxViews - 1
		}
		mask |= 1 << v
	}
	return mask
}
