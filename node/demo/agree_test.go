package demo

import (
	"math"
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
)

// street is the embedded model and a small scene for it.
func street(t *testing.T) (*inference.Bundle, *dataset.Set) {
	t.Helper()
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open("street:samples=40,seed=4", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b, set
}

// answered is what a mesh says of a sample where everything goes well: the forward pass as
// the control API tells it, with a proposal beyond the answering one.
func answered(b *inference.Bundle, set *dataset.Set, beat uint64, ref int) *controlpb.Verdict {
	t := b.Topology()
	pixels := make([][]byte, len(t.Views))
	for v := range pixels {
		pixels[v] = set.View(ref, v)
	}
	m := b.Model()
	scratch, outputs := m.NewScratch(), m.NewDeviceOutputs()
	m.Devices(outputs, pixels, scratch)
	a := m.Answer(outputs, t.AllViews(), b.Thresholds(), scratch)
	names := func(set uint64) (out []string) {
		for v, name := range t.Views {
			if set>>v&1 == 1 {
				out = append(out, name)
			}
		}
		return out
	}
	number := int64(ref)
	v := &controlpb.Verdict{
		Sample: "default/0000000000000001/0", Beat: &beat, Ref: &number, Label: className(t, set.Labels[ref]), Class: className(t, a.Class),
		Exit: a.Exit.String(), Seen: names(a.Seen), Nothing: names(a.Nothing), Used: names(a.Seen), Bundle: b.ID().String(),
		Probabilities: a.Probabilities(), Answered: int32(len(a.Proposals) - 1), Hash: "a", LatencyNs: 1e6,
	}
	all := m.Propose(outputs, a.Seen, scratch)
	for i := range all {
		p := &all[i]
		v.Proposals = append(v.Proposals, &controlpb.Proposal{
			Exit: p.Exit.String(), Group: int32(p.Group), Seen: int32(p.Seen), Scores: p.Scores,
			Class: className(t, p.Class), Entropy: p.Entropy, Threshold: b.Thresholds().At(p.Exit, p.Seen),
		})
	}
	return v
}

// What a mesh answers when all goes well must agree, sample by sample, or the demo would cry
// wolf. Both exits must occur, or the test would say nothing of one.
func TestJudgeAgrees(t *testing.T) {
	b, set := street(t)
	samples := []int{3, 5, 8, 13, 21, 34, 39}
	j := NewJudge(b, set, samples)
	exits := map[string]int{}
	for beat := range uint64(2 * len(samples)) {
		v := answered(b, set, beat, samples[beat%uint64(len(samples))])
		exits[v.GetExit()]++
		if what := j.Check(v); what != "" {
			t.Errorf("beat %d: %s", beat, what)
		}
	}
	for ref := range set.Len() {
		exits[answered(b, set, 0, ref).GetExit()]++
	}
	if exits["local"] == 0 || exits["cloud"] == 0 {
		t.Fatalf("exits %v: both must occur", exits)
	}
}

// A judge that finds nothing is worth nothing: each thing that a verdict says is altered, by
// the least that it can be, and must be found.
func TestJudgeFindsWhatDiffers(t *testing.T) {
	b, set := street(t)
	const ref = 8
	tests := []struct {
		name  string
		alter func(v *controlpb.Verdict)
		want  string // in what is said
	}{
		{"nothing", func(*controlpb.Verdict) {}, ""},
		{"one bit of a score", func(v *controlpb.Verdict) {
			s := v.GetProposals()[0].GetScores()
			s[1] = math.Float32frombits(math.Float32bits(s[1]) ^ 1)
		}, "exit local has score"},
		{"one bit of a score of an exit that did not answer", func(v *controlpb.Verdict) {
			last := v.GetProposals()[len(v.GetProposals())-1].GetScores()
			last[0] = math.Float32frombits(math.Float32bits(last[0]) ^ 1)
		}, "exit cloud has score"},
		{"one bit of an entropy", func(v *controlpb.Verdict) {
			p := v.GetProposals()[0]
			p.Entropy = math.Float64frombits(math.Float64bits(p.GetEntropy()) ^ 1)
		}, "has entropy"},
		{"one bit of a probability", func(v *controlpb.Verdict) {
			v.Probabilities[2] = math.Float64frombits(math.Float64bits(v.Probabilities[2]) ^ 1)
		}, "has probabilities"},
		{"negative zero", func(v *controlpb.Verdict) {
			s := v.GetProposals()[0].GetScores()
			s[0] = -s[0]
		}, "exit local has score"},
		{"a threshold", func(v *controlpb.Verdict) { v.Proposals[0].Threshold = 0.5 }, "has threshold"},
		{"a score less", func(v *controlpb.Verdict) { v.Proposals[0].Scores = v.Proposals[0].Scores[1:] }, "has 2 scores"},
		{"the class of a proposal", func(v *controlpb.Verdict) { v.Proposals[0].Class = "tram" }, `says "tram"`},
		{"views of a proposal", func(v *controlpb.Verdict) { v.Proposals[0].Seen-- }, "rests on"},
		{"the class", func(v *controlpb.Verdict) { v.Class = "tram" }, `answers "tram"`},
		{"the exit", func(v *controlpb.Verdict) { v.Exit = "edge" }, "at exit edge"},
		{"how many exits were met", func(v *controlpb.Verdict) { v.Answered++ }, "it met 2 exits, one process 1"},
		{"an exit that is not there", func(v *controlpb.Verdict) { v.Proposals[len(v.Proposals)-1].Exit = "edge" }, "exit edge of group 0"},
		{"the views of the answer", func(v *controlpb.Verdict) { v.Used = v.Used[1:] }, "it rests on views"},
		{"a view missing", func(v *controlpb.Verdict) {
			v.Missing = []*controlpb.MissingView{{View: v.Seen[0], Reason: "silent"}}
			v.Seen = v.Seen[1:]
		}, "(silent)"},
		{"a view missing that had nothing in view", func(v *controlpb.Verdict) {
			v.Missing = []*controlpb.MissingView{{View: v.Nothing[0], Reason: "silent"}}
			v.Nothing = v.Nothing[1:]
		}, "not what the sample has"},
		{"a view that the model has not", func(v *controlpb.Verdict) { v.Seen = append(v.Seen, "attic") }, `no view "attic"`},
		{"stopped early", func(v *controlpb.Verdict) { v.StoppedEarly = true }, "stopped early"},
		{"refused", func(v *controlpb.Verdict) { v.Exit = refused }, "refused"},
		{"another bundle", func(v *controlpb.Verdict) { v.Bundle = "00" }, "of bundle"},
		{"another sample", func(v *controlpb.Verdict) { *v.Ref = ref + 1 }, "names sample 9"},
		{"no sample", func(v *controlpb.Verdict) { v.Ref = nil }, "names sample none"},
		{"another label", func(v *controlpb.Verdict) { v.Label = "tram" }, `names label "tram"`},
		{"another beat", func(v *controlpb.Verdict) { *v.Beat = 1 }, "beat 1 shows"},
		{"on demand", func(v *controlpb.Verdict) { v.Beat = nil }, "of no beat"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Beat 1 shows the twin of the sample: what is seen of it is the same.
			j := NewJudge(b, twins(t, set, ref), []int{ref, ref + 1})
			v := answered(b, set, 0, ref)
			if v.GetExit() != topology.ExitLocal.String() || len(v.GetNothing()) == 0 {
				t.Fatalf("sample %d exits at %s and %d views have nothing in view: choose another", ref, v.GetExit(), len(v.GetNothing()))
			}
			tt.alter(v)
			got := j.Check(v)
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want one with %q", got, tt.want)
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
