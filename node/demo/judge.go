package demo

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
)

// Difference is a sample whose verdict is not what one process would have answered with all
// views that the sample has.
type Difference struct {
	Sample string `json:"sample"` // site/run/beat
	Ref    int    `json:"ref"`    // index of the sample in the data set
	What   string `json:"what"`   // differs
	Wrong  bool   `json:"wrong"`  // it is not even what one process makes of the views that it rests on
}

// Judge holds verdicts against the whole network run in this process. It is not safe for
// concurrent use.
type Judge struct {
	bundle  *inference.Bundle
	set     *dataset.Set
	samples []int
	live    uint64 // views that have a device
	scratch *inference.Scratch
	outputs *inference.DeviceOutputs
}

// NewJudge is a judge of verdicts on samples of a set, which are replayed by beat: beat b
// shows samples[b mod len(samples)]. Of each sample there are the views in live alone.
func NewJudge(b *inference.Bundle, set *dataset.Set, samples []int, live uint64) *Judge {
	return &Judge{
		bundle: b, set: set, samples: samples, live: live,
		scratch: b.Model().NewScratch(), outputs: b.Model().NewDeviceOutputs(),
	}
}

// RefAt is the sample that is shown at a beat.
func (j *Judge) RefAt(beat uint64) int { return j.samples[beat%uint64(len(j.samples))] }

// Label is the class of a sample; -1: the data set does not say it.
func (j *Judge) Label(ref int) int { return j.set.Labels[ref] }

// Finding is what a judge finds of a verdict. Both empty: it is what one process answers
// with all views that the sample has.
type Finding struct {
	// Wrong says in what the verdict is not what the network in one process makes of
	// exactly the views that it rests on. Nothing that happens to a mesh excuses that.
	Wrong string
	// Short says what the verdict lacks of what the sample has: views that came too late or
	// not at all, an exit that did not answer.
	Short string
}

// What is both in words; empty: nothing.
func (f *Finding) What() string {
	if f.Wrong != "" && f.Short != "" {
		return f.Wrong + "; " + f.Short
	}
	return f.Wrong + f.Short
}

// Check holds a verdict of a beat against the forward pass of the bundle on the sample that
// the beat shows. Everything that the verdict says of its exits is compared, scores and
// entropies bit for bit.
func (j *Judge) Check(v *controlpb.Verdict) Finding {
	t := j.bundle.Topology()
	switch {
	case v.Beat == nil:
		return Finding{Wrong: "it is of no beat"}
	case v.GetExit() == refused:
		return Finding{Short: "every device refused it"}
	}
	ref := j.RefAt(v.GetBeat())
	pixels := make([][]byte, len(t.Views))
	for view := range pixels {
		pixels[view] = j.set.View(ref, view)
	}
	j.bundle.Model().Devices(j.outputs, pixels, j.scratch)
	seen, fault := viewSet(t, v.GetSeen())
	nothing, fault2 := viewSet(t, v.GetNothing())
	used, fault3 := viewSet(t, v.GetUsed())
	switch {
	case fault != "" || fault2 != "" || fault3 != "":
		return Finding{Wrong: fault + fault2 + fault3}
	case seen&^(j.outputs.Seen&j.live) != 0 || nothing&^(j.outputs.Nothing&j.live) != 0:
		return Finding{Wrong: fmt.Sprintf("it was seen by %v and %v saw nothing, which is not what the sample has", v.GetSeen(), v.GetNothing())}
	}
	if wrong := j.named(v, ref, seen|nothing); wrong != "" {
		return Finding{Wrong: wrong}
	}
	f := Finding{Short: j.unseen(v, seen|nothing)}
	if lacks := j.lacks(v, seen, used); lacks != "" {
		f.Wrong = j.partly(v, seen, used)
		if f.Short == "" {
			f.Short = lacks
		}
		return f
	}
	f.Wrong = j.wholly(v, seen, used)
	return f
}

// named compares what a verdict says of its sample. Where no device spoke of it, nobody
// said what it is.
func (j *Judge) named(v *controlpb.Verdict, ref int, spoke uint64) string {
	t := j.bundle.Topology()
	switch label := className(t, j.Label(ref)); {
	case spoke == 0 && v.Ref == nil:
	case v.GetBundle() != j.bundle.ID().String():
		return fmt.Sprintf("it is of bundle %.12s, not %s", v.GetBundle(), j.bundle.ID().Short())
	case v.Ref == nil || v.GetRef() != int64(ref):
		return fmt.Sprintf("it names sample %s of the data set, beat %d shows %d", refText(v), v.GetBeat(), ref)
	case v.GetLabel() != label:
		return fmt.Sprintf("it names label %q, the data set %q", v.GetLabel(), label)
	}
	return ""
}

// unseen says which views that have a device did not speak, and why.
func (j *Judge) unseen(v *controlpb.Verdict, spoke uint64) string {
	t := j.bundle.Topology()
	var parts []string
	for set := j.live &^ spoke; set != 0; set &= set - 1 {
		view := t.Views[bits.TrailingZeros64(set)]
		reason := ""
		for _, m := range v.GetMissing() {
			if m.GetView() == view && m.GetReason() != "" {
				reason = " (" + m.GetReason() + ")"
			}
		}
		parts = append(parts, view+reason)
	}
	if len(parts) == 0 {
		return ""
	}
	return missingViews + strings.Join(parts, ", ")
}

// What is said of a verdict that is short, before its particulars.
const (
	missingViews = "views that the sample has are missing: "
	stoppedEarly = "it stopped early: the tier above was silent"
)

// lacks says what the exits of a verdict did not have of what was seen; empty: all of it.
func (j *Judge) lacks(v *controlpb.Verdict, seen, used uint64) string {
	t, answered := j.bundle.Topology(), v.GetExit()
	up := answered == topology.ExitEdge.String() || answered == topology.ExitCloud.String()
	if v.GetStoppedEarly() {
		return stoppedEarly
	}
	if up {
		if lacks := j.lacksLocal(v, seen); lacks != "" {
			return lacks
		}
	}
	if edges := t.Edge != nil && t.Edge.Exit; up && edges {
		if lacks := j.lacksEdges(v, seen); lacks != "" {
			return lacks
		}
	}
	if answered == topology.ExitCloud.String() && used != seen {
		return fmt.Sprintf("features did not arrive in time: exit cloud had views %v alone", v.GetUsed())
	}
	return ""
}

// lacksLocal says which local aggregator had not heard of all that its group saw: one that took
// over when features were on their way to the tier above already.
func (j *Judge) lacksLocal(v *controlpb.Verdict, seen uint64) string {
	t := j.bundle.Topology()
	for _, p := range v.GetProposals() {
		g := int(p.GetGroup())
		if p.GetExit() != topology.ExitLocal.String() || g < 0 || g >= len(t.Groups) {
			continue
		}
		if of := bits.OnesCount64(seen & t.GroupMask(g)); int(p.GetSeen()) < of {
			return fmt.Sprintf("exit local of group %d had heard of %d of %d views", g, p.GetSeen(), of)
		}
	}
	return ""
}

// lacksEdges says which of the edges that come before the answer did not have all of what
// their groups saw.
func (j *Judge) lacksEdges(v *controlpb.Verdict, seen uint64) string {
	t := j.bundle.Topology()
	for g := range t.Groups {
		of := seen & t.GroupMask(g)
		if of == 0 {
			continue
		}
		i := slices.IndexFunc(v.GetProposals(), func(p *controlpb.Proposal) bool {
			return p.GetExit() == topology.ExitEdge.String() && int(p.GetGroup()) == g
		})
		switch {
		case i < 0:
			return fmt.Sprintf("exit edge of group %d did not answer in time", g)
		case int(v.GetProposals()[i].GetSeen()) < bits.OnesCount64(of):
			return fmt.Sprintf("features did not arrive in time: exit edge of group %d had %d views alone", g, v.GetProposals()[i].GetSeen())
		case i == int(v.GetAnswered()):
			return ""
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
