package demo

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
)

// street is the embedded model and a small scene for it, which no test alters.
func street(t *testing.T) (*inference.Bundle, *dataset.Set) {
	t.Helper()
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	set, err := smallScene()
	if err != nil {
		t.Fatal(err)
	}
	return b, set
}

// smallScene is rendered once.
var smallScene = sync.OnceValues(func() (*dataset.Set, error) {
	return dataset.Open("street:samples=40,seed=4", dataset.Options{})
})

// answered is what a mesh says of a sample where everything goes well: the forward pass as
// the control API tells it, with a proposal beyond the answering one.
func answered(b *inference.Bundle, set *dataset.Set, beat uint64, ref int) *controlpb.Verdict {
	return answeredBy(b, set, beat, ref, b.Topology().AllViews())
}

// answeredBy is what a mesh says of a sample of which the devices of some views spoke.
func answeredBy(b *inference.Bundle, set *dataset.Set, beat uint64, ref int, views uint64) *controlpb.Verdict {
	t, m := b.Topology(), b.Model()
	outputs := outputsOf(b, set, ref)
	a := m.Answer(outputs, views, b.Thresholds(), m.NewScratch())
	number := int64(ref)
	v := &controlpb.Verdict{
		Sample: "default/0000000000000001/0", Beat: &beat, Ref: &number, Label: className(t, set.Labels[ref]), Class: className(t, a.Class),
		Exit: a.Exit.String(), Seen: namesOf(t, a.Seen), Nothing: namesOf(t, a.Nothing), Bundle: b.ID().String(),
		Probabilities: a.Probabilities(), Answered: int32(len(a.Proposals) - 1), Hash: "a", LatencyNs: 1e6,
	}
	for _, name := range namesOf(t, a.Missing) {
		v.Missing = append(v.Missing, &controlpb.MissingView{View: name, Reason: "silent"})
	}
	if a.Seen|a.Nothing == 0 { // nobody said what it is
		v.Ref, v.Label, v.Bundle = nil, "", ""
	}
	if a.Seen != 0 {
		used, last := a.Seen, a.Proposals[len(a.Proposals)-1]
		if last.Exit != topology.ExitCloud {
			used &= t.GroupMask(last.Group)
		}
		v.Used = namesOf(t, used)
	}
	v.Proposals = proposalsOn(b, outputs, a.Seen)
	return v
}

// outputsOf is what the devices make of a sample.
func outputsOf(b *inference.Bundle, set *dataset.Set, ref int) *inference.DeviceOutputs {
	m := b.Model()
	pixels := make([][]byte, len(b.Topology().Views))
	for v := range pixels {
		pixels[v] = set.View(ref, v)
	}
	outputs := m.NewDeviceOutputs()
	m.Devices(outputs, pixels, m.NewScratch())
	return outputs
}

// proposalsOn is what every exit says of a set of views.
func proposalsOn(b *inference.Bundle, outputs *inference.DeviceOutputs, seen uint64) (out []*controlpb.Proposal) {
	m := b.Model()
	for _, p := range m.Propose(outputs, seen, m.NewScratch()) {
		out = append(out, &controlpb.Proposal{
			Exit: p.Exit.String(), Group: int32(p.Group), Seen: int32(p.Seen), Scores: p.Scores,
			Class: className(b.Topology(), p.Class), Entropy: p.Entropy, Threshold: b.Thresholds().At(p.Exit, p.Seen),
		})
	}
	return out
}

// namesOf is the names of a set of views.
func namesOf(t *topology.Topology, set uint64) (out []string) {
	for v, name := range t.Views {
		if set>>v&1 == 1 {
			out = append(out, name)
		}
	}
	return out
}

// What a mesh answers when all goes well must agree, sample by sample, or the demo would cry
// wolf. Both exits must occur, or the test would say nothing of one.
func TestJudgeAgrees(t *testing.T) {
	b, set := street(t)
	samples := []int{3, 5, 8, 13, 21, 34, 39}
	j := NewJudge(b, set, samples, b.Topology().AllViews())
	exits := map[string]int{}
	for beat := range uint64(2 * len(samples)) {
		v := answered(b, set, beat, samples[beat%uint64(len(samples))])
		exits[v.GetExit()]++
		if f := j.Check(v); f != (Finding{}) {
			t.Errorf("beat %d: %s", beat, f.What())
		}
	}
	for ref := range set.Len() {
		exits[answered(b, set, 0, ref).GetExit()]++
	}
	if exits["local"] == 0 || exits["cloud"] == 0 {
		t.Fatalf("exits %v: both must occur", exits)
	}
}

// Whatever views are left, a verdict on them is right, and short where others have a device:
// a demo without some views must agree, one that loses some must say so and no more.
func TestJudgeOfEverySubset(t *testing.T) {
	for _, b := range networks(t) {
		_, set := street(t)
		all := b.Topology().AllViews()
		every := NewJudge(b, set, evaluation.Every(set), all)
		for ref := range 4 {
			for views := range all + 1 {
				v := answeredBy(b, set, uint64(ref), ref, views)
				f := NewJudge(b, set, evaluation.Every(set), views).Check(v)
				if f != (Finding{}) {
					t.Fatalf("%s, sample %d of views %b: %s", b.Topology().Name, ref, views, f.What())
				}
				f = every.Check(v)
				if f.Wrong != "" || (f.Short != "") != (views != all) {
					t.Fatalf("%s, sample %d of views %b where all have a device: wrong %q, short %q", b.Topology().Name, ref, views, f.Wrong, f.Short)
				}
			}
		}
	}
}

// networks is the embedded bundle, and one with an edge exit for each of two groups.
func networks(t *testing.T) []*inference.Bundle {
	t.Helper()
	b, _ := street(t)
	return []*inference.Bundle{b, edged(t)}
}

// edged is a network with two groups and an edge exit, trained once for all tests.
func edged(t *testing.T) *inference.Bundle {
	t.Helper()
	b, err := trainEdged()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// trainEdged trains it on the small scene.
var trainEdged = sync.OnceValues(func() (*inference.Bundle, error) {
	set, err := smallScene()
	if err != nil {
		return nil, err
	}
	top, err := topology.Open("f", topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		return nil, err
	}
	b, _, err := Quick(context.Background(), top, set, "", nil)
	return b, err
})

// What a fault leaves of a verdict is right as long as every exit says what follows from
// what it had, and is called short, not wrong.
func TestJudgeOfFaults(t *testing.T) {
	both := networks(t)
	_, set := street(t)
	// The first sample that a network answers at an exit, seen by enough views.
	find := func(b *inference.Bundle, exit string) (ref int, v *controlpb.Verdict) {
		for ref := range set.Len() {
			if v := answered(b, set, 0, ref); v.GetExit() == exit && len(v.GetSeen()) >= 3 {
				return ref, v
			}
		}
		t.Fatalf("topology %s answers no sample of three views at exit %s", b.Topology().Name, exit)
		return 0, nil
	}
	// What the cloud says where the features of the first view did not arrive.
	deprived := func(b *inference.Bundle, ref int, v *controlpb.Verdict) {
		v.Used = v.GetUsed()[1:]
		used, _ := viewSet(b.Topology(), v.GetUsed())
		last := proposalsOn(b, outputsOf(b, set, ref), used)
		v.Proposals[v.GetAnswered()] = last[len(last)-1]
		rely(b, v)
	}
	early := func(b *inference.Bundle, _ int, v *controlpb.Verdict) {
		v.StoppedEarly, v.Proposals = true, v.GetProposals()[:len(v.GetProposals())-1]
		best := 0
		for i, p := range v.GetProposals() {
			if last := v.GetProposals()[best]; p.GetExit() != last.GetExit() || p.GetEntropy() < last.GetEntropy() {
				best = i
			}
		}
		v.Answered, v.Exit = int32(best), v.GetProposals()[best].GetExit()
		used, _ := viewSet(b.Topology(), v.GetSeen())
		v.Used = namesOf(b.Topology(), used&b.Topology().GroupMask(int(v.GetProposals()[best].GetGroup())))
		rely(b, v)
	}
	silent := func(b *inference.Bundle, ref int, v *controlpb.Verdict) { // the first edge
		seen, _ := viewSet(b.Topology(), v.GetSeen())
		seen &^= b.Topology().GroupMask(0)
		v.Used = namesOf(b.Topology(), seen)
		last := proposalsOn(b, outputsOf(b, set, ref), seen)
		v.Proposals[len(v.GetProposals())-1] = last[len(last)-1]
		v.Proposals = slices.DeleteFunc(v.GetProposals(), func(p *controlpb.Proposal) bool { return p.GetExit() == "edge" && p.GetGroup() == 0 })
		v.Answered = int32(len(v.GetProposals()) - 1)
		rely(b, v)
	}
	few := func(b *inference.Bundle, ref int, v *controlpb.Verdict) { // features reached the first edge
		outputs := outputsOf(b, set, ref)
		seen, _ := viewSet(b.Topology(), v.GetSeen())
		lost := seen & b.Topology().GroupMask(0) &^ -(seen & b.Topology().GroupMask(0)) // all but the first of them
		if lost == 0 {
			t.Fatalf("sample %d: too few views in group 0", ref)
		}
		less := proposalsOn(b, outputs, seen&^lost)
		for i, p := range v.GetProposals() {
			if p.GetExit() == "edge" && p.GetGroup() == 0 || p.GetExit() == "cloud" {
				j := slices.IndexFunc(less, func(q *controlpb.Proposal) bool { return q.GetExit() == p.GetExit() && q.GetGroup() == p.GetGroup() })
				v.Proposals[i] = less[j]
			}
		}
		v.Used = namesOf(b.Topology(), seen&^lost)
		rely(b, v)
	}
	unheard := func(b *inference.Bundle, ref int, v *controlpb.Verdict) { // the first view, by who has just become aggregator
		seen, _ := viewSet(b.Topology(), v.GetSeen())
		v.Proposals[0] = proposalsOn(b, outputsOf(b, set, ref), seen&(seen-1))[0]
	}
	tests := []struct {
		name  string
		b     *inference.Bundle
		exit  string
		fault func(b *inference.Bundle, ref int, v *controlpb.Verdict)
		short string
	}{
		{"features did not reach the cloud", both[0], "cloud", deprived, "features did not arrive"},
		{"the cloud was silent", both[0], "cloud", early, "stopped early"},
		{"the cloud was silent above edges", both[1], "cloud", early, "stopped early"},
		{"an edge was silent", both[1], "cloud", silent, "exit edge of group 0 did not answer"},
		{"the aggregator had not heard of a view", both[0], "cloud", unheard, "had heard of"},
		{"the aggregator had not heard of a view below an edge", both[1], "cloud", unheard, "had heard of"},
		{"features did not reach an edge", both[1], "cloud", few, "features did not arrive"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ref, _ := find(tt.b, tt.exit)
			made := func() *controlpb.Verdict {
				v := answered(tt.b, set, 0, ref)
				tt.fault(tt.b, ref, v)
				return v
			}
			j := NewJudge(tt.b, set, []int{ref}, tt.b.Topology().AllViews())
			if f := j.Check(made()); f.Wrong != "" || !strings.Contains(f.Short, tt.short) {
				t.Fatalf("wrong %q, short %q, want short of %q", f.Wrong, f.Short, tt.short)
			}
			// Being short excuses nothing of what is there.
			spoils := map[string]func(v *controlpb.Verdict){
				"a score of the answer": func(v *controlpb.Verdict) {
					s := slices.Clone(v.GetProposals()[v.GetAnswered()].GetScores())
					s[0] = math.Float32frombits(math.Float32bits(s[0]) ^ 1)
					v.Proposals[v.GetAnswered()].Scores = s
				},
				"an entropy": func(v *controlpb.Verdict) { v.Proposals[0].Entropy += 1e-9 },
				"the class":  func(v *controlpb.Verdict) { v.Class = "tram" },
				"the exit":   func(v *controlpb.Verdict) { v.Exit = "none" },
				"the answering exit": func(v *controlpb.Verdict) {
					if v.Answered++; int(v.GetAnswered()) == len(v.GetProposals()) {
						v.Answered -= 2
					}
				},
				"a probability":      func(v *controlpb.Verdict) { v.Probabilities[0] += 1e-9 },
				"the views":          func(v *controlpb.Verdict) { v.Used = nil },
				"no local proposals": func(v *controlpb.Verdict) { v.Proposals, v.Answered = v.Proposals[1:], v.Answered-1 },
			}
			for name, spoil := range spoils {
				v := made()
				spoil(v)
				if f := j.Check(v); f.Wrong == "" {
					t.Errorf("%s was altered: it is called right", name)
				}
			}
		})
	}
}

// rely makes a verdict say of its answer what its answering exit does.
func rely(b *inference.Bundle, v *controlpb.Verdict) {
	p := v.GetProposals()[v.GetAnswered()]
	v.Class, v.Probabilities = p.GetClass(), make([]float64, len(b.Topology().Classes))
	inference.Softmax(v.Probabilities, p.GetScores())
}

// A judge that finds nothing is worth nothing: each thing that a verdict says is altered, by
// the least that it can be, and must be found.
func TestJudgeFindsWhatDiffers(t *testing.T) {
	b, set := street(t)
	const ref = 8
	tests := []struct {
		name  string
		alter func(v *controlpb.Verdict)
		wrong string // in what is said
		short string
	}{
		{"nothing", func(*controlpb.Verdict) {}, "", ""},
		{"one bit of a score", func(v *controlpb.Verdict) {
			s := v.GetProposals()[0].GetScores()
			s[1] = math.Float32frombits(math.Float32bits(s[1]) ^ 1)
		}, "exit local has score", ""},
		{"one bit of a score of an exit that did not answer", func(v *controlpb.Verdict) {
			last := v.GetProposals()[len(v.GetProposals())-1].GetScores()
			last[0] = math.Float32frombits(math.Float32bits(last[0]) ^ 1)
		}, "exit cloud has score", ""},
		{"one bit of an entropy", func(v *controlpb.Verdict) {
			p := v.GetProposals()[0]
			p.Entropy = math.Float64frombits(math.Float64bits(p.GetEntropy()) ^ 1)
		}, "has entropy", ""},
		{"one bit of a probability", func(v *controlpb.Verdict) {
			v.Probabilities[2] = math.Float64frombits(math.Float64bits(v.Probabilities[2]) ^ 1)
		}, "has probabilities", ""},
		{"negative zero", func(v *controlpb.Verdict) {
			s := v.GetProposals()[0].GetScores()
			s[0] = -s[0]
		}, "exit local has score", ""},
		{"a threshold", func(v *controlpb.Verdict) { v.Proposals[0].Threshold = 0.5 }, "has threshold", ""},
		{"a score less", func(v *controlpb.Verdict) { v.Proposals[0].Scores = v.Proposals[0].Scores[1:] }, "has 2 scores", ""},
		{"the class of a proposal", func(v *controlpb.Verdict) { v.Proposals[0].Class = "tram" }, `says "tram"`, ""},
		{"views of a proposal", func(v *controlpb.Verdict) { v.Proposals[0].Seen-- }, "rests on", ""},
		{"the class", func(v *controlpb.Verdict) { v.Class = "tram" }, `answers "tram"`, ""},
		{"the exit", func(v *controlpb.Verdict) { v.Exit = "edge" }, "at exit edge", ""},
		{"how many exits were met", func(v *controlpb.Verdict) { v.Answered++ }, "it met 2 exits, one process 1", ""},
		{"an exit that is not there", func(v *controlpb.Verdict) { v.Proposals[len(v.Proposals)-1].Exit = "edge" }, "exit edge of group 0", ""},
		{"the views of the answer", func(v *controlpb.Verdict) { v.Used = v.Used[1:] }, "it rests on views", ""},
		{"a view missing, with the answer of all", func(v *controlpb.Verdict) {
			v.Missing = []*controlpb.MissingView{{View: v.Seen[0], Reason: "silent"}}
			v.Seen, v.Used = v.Seen[1:], v.Used[1:]
		}, "exit local", "(silent)"},
		{"a view missing that had nothing in view", func(v *controlpb.Verdict) {
			v.Missing = []*controlpb.MissingView{{View: v.Nothing[0], Reason: "broken"}}
			v.Nothing = v.Nothing[1:]
		}, "", "(broken)"},
		{"nothing in a view that saw something", func(v *controlpb.Verdict) { v.Nothing = append(v.Nothing, v.Seen[0]) }, "not what the sample has", ""},
		{"a view that the model has not", func(v *controlpb.Verdict) { v.Seen = append(v.Seen, "attic") }, `no view "attic"`, ""},
		{"stopped early within its threshold", func(v *controlpb.Verdict) { v.StoppedEarly = true }, "surer", "stopped early"},
		{"refused", func(v *controlpb.Verdict) { v.Exit = refused }, "", "refused"},
		{"another bundle", func(v *controlpb.Verdict) { v.Bundle = "00" }, "of bundle", ""},
		{"another sample", func(v *controlpb.Verdict) { *v.Ref = ref + 1 }, "names sample 9", ""},
		{"no sample", func(v *controlpb.Verdict) { v.Ref = nil }, "names sample none", ""},
		{"another label", func(v *controlpb.Verdict) { v.Label = "tram" }, `names label "tram"`, ""},
		{"another beat", func(v *controlpb.Verdict) { *v.Beat = 1 }, "beat 1 shows", ""},
		{"on demand", func(v *controlpb.Verdict) { v.Beat = nil }, "of no beat", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Beat 1 shows the twin of the sample: what is seen of it is the same.
			j := NewJudge(b, twins(t, set, ref), []int{ref, ref + 1}, b.Topology().AllViews())
			v := answered(b, set, 0, ref)
			if v.GetExit() != topology.ExitLocal.String() || len(v.GetNothing()) == 0 {
				t.Fatalf("sample %d exits at %s and %d views have nothing in view: choose another", ref, v.GetExit(), len(v.GetNothing()))
			}
			tt.alter(v)
			got := j.Check(v)
			for _, of := range []struct{ what, got, want string }{{"wrong", got.Wrong, tt.wrong}, {"short", got.Short, tt.short}} {
				if (of.got == "") != (of.want == "") || !strings.Contains(of.got, of.want) {
					t.Errorf("%s: got %q, want one with %q", of.what, of.got, of.want)
				}
			}
		})
	}
}

// twins is a set in which the sample behind ref is the same as ref.
func twins(t *testing.T, set *dataset.Set, ref int) *dataset.Set {
	t.Helper()
	s := *set
	size := len(s.Views) * s.Shape().Size()
	s.Pixels = append([]byte(nil), s.Pixels...)
	copy(s.Pixels[(ref+1)*size:(ref+2)*size], s.Pixels[ref*size:(ref+1)*size])
	s.ViewLabels = append([]int(nil), s.ViewLabels...)
	copy(s.ViewLabels[(ref+1)*len(s.Views):(ref+2)*len(s.Views)], s.ViewLabels[ref*len(s.Views):(ref+1)*len(s.Views)])
	s.Labels = append([]int(nil), s.Labels...)
	s.Labels[ref+1] = s.Labels[ref]
	out, err := dataset.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
