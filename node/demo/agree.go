package demo

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
)

// wholly compares what the exits said, where they had all that was seen, with what one
// process answers: the exits up to the answering one in the order in which it meets them,
// and whatever else was proposed with what it would have been.
func (j *Judge) wholly(v *controlpb.Verdict, seen, used uint64) string {
	model, t := j.bundle.Model(), j.bundle.Topology()
	want := model.Answer(j.outputs, seen, j.bundle.Thresholds(), j.scratch)
	met := int(v.GetAnswered()) + 1
	switch {
	case v.GetExit() != want.Exit.String() || v.GetClass() != className(t, want.Class):
		return fmt.Sprintf("it answers %q at exit %s, one process %q at exit %s", v.GetClass(), v.GetExit(), className(t, want.Class), want.Exit)
	case met != len(want.Proposals) || met > len(v.GetProposals()):
		return fmt.Sprintf("it met %d exits, one process %d", met, len(want.Proposals))
	}
	for i := range want.Proposals {
		if what := j.differs(v.GetProposals()[i], &want.Proposals[i]); what != "" {
			return what
		}
	}
	all := model.Propose(j.outputs, seen, j.scratch)
	for _, p := range v.GetProposals()[met:] {
		q := find(all, p)
		if q == nil {
			return fmt.Sprintf("exit %s of group %d proposes, in one process it does not", p.GetExit(), p.GetGroup())
		}
		if what := j.differs(p, q); what != "" {
			return what
		}
	}
	if met == 0 {
		return ""
	}
	last := &want.Proposals[met-1]
	if used != seen&j.reach(last) {
		return fmt.Sprintf("it rests on views %v, which is not what exit %s has", v.GetUsed(), last.Exit)
	}
	return sure(v, last)
}

// partly compares what the exits said, where they had less than was seen: each with what it
// makes of the views that it had, and the answer with what the exit rule makes of them.
func (j *Judge) partly(v *controlpb.Verdict, seen, used uint64) string {
	met, all := int(v.GetAnswered())+1, v.GetProposals()
	if met < 1 || met > len(all) {
		return fmt.Sprintf("it has an answer without an exit: %d of %d", met, len(all))
	}
	var held []inference.Proposal // of those that were met, and all others
	for i, p := range all {
		q, what := j.had(p, seen, used, i == met-1)
		if what == "" {
			what = j.differs(p, q)
		}
		if what != "" {
			return what
		}
		held = append(held, *q)
	}
	for _, p := range j.bundle.Model().Propose(j.outputs, seen, j.scratch) {
		there := slices.ContainsFunc(held, func(q inference.Proposal) bool { return q.Exit == p.Exit && q.Group == p.Group })
		if p.Exit == topology.ExitLocal && !there {
			return fmt.Sprintf("exit local of group %d saw something and proposes nothing", p.Group)
		}
	}
	return j.ruled(v, held, met)
}

// had is what one process proposes at an exit with the views that the exit had: all that
// were seen, or, where it answered, those that the verdict names. An edge that did not
// answer and had fewer does not say which, so that what follows from its scores is all that
// can be compared.
func (j *Judge) had(p *controlpb.Proposal, seen, used uint64, answered bool) (q *inference.Proposal, what string) {
	where := fmt.Sprintf("exit %s of group %d", p.GetExit(), p.GetGroup())
	q = find(j.bundle.Model().Propose(j.outputs, seen, j.scratch), p)
	if q == nil {
		return nil, where + " proposes, in one process it does not"
	}
	reach := seen & j.reach(q)
	switch {
	case answered && (used == 0 || used&^reach != 0 || q.Exit == topology.ExitLocal && used != reach):
		return nil, fmt.Sprintf("it rests on views of which %s has not got all: %d of %d", where, bits.OnesCount64(used&reach), bits.OnesCount64(used))
	case answered:
		q = find(j.bundle.Model().Propose(j.outputs, used, j.scratch), p)
	case int(p.GetSeen()) < q.Seen && len(p.GetScores()) == len(q.Scores):
		q.Seen, q.Scores = int(p.GetSeen()), p.GetScores()
		q.Class, q.Entropy = inference.ArgMax(q.Scores), inference.NormalizedEntropy(q.Scores)
	}
	return q, ""
}

// ruled compares the answer with what the exit rule makes of the proposals: the first, in
// order, that is within its threshold; where the tier above was silent, the one of the
// highest tier and of those the surest.
func (j *Judge) ruled(v *controlpb.Verdict, held []inference.Proposal, met int) string {
	thresholds, last := j.bundle.Thresholds(), &held[met-1]
	for i := range met {
		p := &held[i]
		switch {
		case i > 0 && !before(&held[i-1], p):
			return fmt.Sprintf("it met exit %s of group %d out of its order", p.Exit, p.Group)
		case p.Exits(thresholds) != (i == met-1) && !v.GetStoppedEarly():
			return fmt.Sprintf("it answers at exit %s, the exit rule is met elsewhere: exit %s has entropy %v", last.Exit, p.Exit, p.Entropy)
		}
	}
	if v.GetStoppedEarly() {
		for i := range held {
			p := &held[i]
			if p.Exits(thresholds) || p.Exit > last.Exit || p.Exit == last.Exit && p.Entropy < last.Entropy {
				return fmt.Sprintf("it stopped early at exit %s of group %d, exit %s of group %d is surer", last.Exit, last.Group, p.Exit, p.Group)
			}
		}
	}
	if v.GetExit() != last.Exit.String() || v.GetClass() != className(j.bundle.Topology(), last.Class) {
		return fmt.Sprintf("it answers %q at exit %s, its exit says %q at %s", v.GetClass(), v.GetExit(), className(j.bundle.Topology(), last.Class), last.Exit)
	}
	return sure(v, last)
}

// before tells whether one process meets exit p before exit q.
func before(p, q *inference.Proposal) bool {
	return p.Exit < q.Exit || p.Exit == q.Exit && p.Group < q.Group
}

// reach is the views that an exit may rest on.
func (j *Judge) reach(p *inference.Proposal) uint64 {
	if t := j.bundle.Topology(); p.Exit != topology.ExitCloud {
		return t.GroupMask(p.Group)
	}
	return ^uint64(0)
}

// find is the proposal of the same exit; nil: there is none.
func find(all []inference.Proposal, p *controlpb.Proposal) *inference.Proposal {
	for i := range all {
		if all[i].Exit.String() == p.GetExit() && all[i].Group == int(p.GetGroup()) {
			return &all[i]
		}
	}
	return nil
}

// sure compares the probabilities of an answer, bit for bit.
func sure(v *controlpb.Verdict, last *inference.Proposal) string {
	want := make([]float64, len(last.Scores))
	inference.Softmax(want, last.Scores)
	same := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
	if !slices.EqualFunc(v.GetProbabilities(), want, same) {
		return fmt.Sprintf("it has probabilities %v, one process %v", v.GetProbabilities(), want)
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
