package evaluation

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// paperTopology is the preset of a name for so many views and three classes.
func paperTopology(t *testing.T, preset string, views int) *topology.Topology {
	t.Helper()
	top, err := topology.Preset(preset, topology.Base{
		Views: topology.ViewNames(views), Classes: []string{"car", "bus", "person"},
		Input: topology.Shape{Channels: 3, Rows: 8, Cols: 8},
	})
	if err != nil {
		t.Fatal(err)
	}
	return top
}

// said is an answer for a sample of class 0 that sees one view: the local exit's
// entropy and class, and the cloud's class.
func said(entropy float64, local, cloud int) answer {
	return answer{label: 0, seen: 1, proposals: []inference.Proposal{
		{Exit: topology.ExitLocal, Seen: 1, Entropy: entropy, Class: local},
		{Exit: topology.ExitCloud, Seen: 1, Class: cloud},
	}}
}

// evidence is a calibration on answers, each with one set of views.
func evidence(top *topology.Topology, policy Policy, answers ...answer) *calibration {
	c := &calibration{topology: top, policy: policy, answers: answers, scored: len(answers)}
	for _, a := range answers {
		c.cases = append(c.cases, []weighed{{a, 1}})
	}
	return c
}

// Every goal must choose the thresholds that its documentation says, at its edges
// too. There are four samples of one seen view; a quarter of local exits is a step.
func TestChoose(t *testing.T) {
	// The local exit is wrong on the least sure sample, the cloud is right always:
	// accuracy is 1 up to three quarters local, then 0.75.
	late := []answer{said(0.125, 0, 0), said(0.25, 0, 0), said(0.5, 0, 0), said(0.75, 1, 0)}
	// The cloud is wrong where the local exit is right: accuracy rises to 1.
	rescue := []answer{said(0.125, 0, 1), said(0.25, 0, 1), said(0.5, 0, 1), said(0.75, 0, 1)}
	wrong := []answer{said(0.125, 1, 0), said(0.25, 1, 0), said(0.5, 1, 0), said(0.75, 1, 0)}
	sure := []answer{said(0.125, 0, 0), said(0.25, 0, 0), said(0.5, 0, 0), said(0.75, 0, 0)}
	uniform := []answer{said(1, 0, 0), said(1, 0, 0)}

	top := paperTopology(t, "c", 2) // scores of 12 bytes, features of 4 x 4 x 4 bits
	const all, quarter, none = 12, 12 + 0.75*8, 12 + 8
	tests := []struct {
		name    string
		answers []answer
		policy  Policy
		want    float64
	}{
		{"careful stops before the error", late, Policy{}, 0.625},
		{"careful sends the least sure up though no error shows", sure, Policy{}, 0.625},
		{"careful with an exit that is always wrong", wrong, Policy{}, 0},
		{"careful sends uniform scores up", uniform, Policy{}, 0},
		{"accuracy: most local at no error", late, Policy{MinAccuracy, 1}, 0.625},
		{"accuracy: an error is allowed", late, Policy{MinAccuracy, 0.75}, 1},
		{"accuracy: none is asked for", wrong, Policy{MinAccuracy, 0}, 1},
		{"accuracy: the exit is always wrong", wrong, Policy{MinAccuracy, 1}, 0},
		{"accuracy: only the local exit has it", rescue, Policy{MinAccuracy, 1}, 1},
		{"accuracy of uniform scores", uniform, Policy{MinAccuracy, 1}, 1},
		{"bytes: within a quarter local", sure, Policy{MaxBytes, quarter}, 0.1875},
		{"bytes: scores alone", late, Policy{MaxBytes, all}, 1},
		{"bytes: all of them", late, Policy{MaxBytes, none}, 0},
		{"bytes: best accuracy, not most bytes", rescue, Policy{MaxBytes, none}, 1},
		{"local: none needed", sure, Policy{MinLocal, 0}, 0},
		{"local: a half", sure, Policy{MinLocal, 0.5}, 0.375},
		{"local: a little more than a half", sure, Policy{MinLocal, 0.51}, 0.625},
		{"local: all", late, Policy{MinLocal, 1}, 1},
		{"local: best accuracy beyond what is needed", rescue, Policy{MinLocal, 0.5}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := evidence(top, tt.policy, tt.answers...).choose()
			if err != nil {
				t.Fatal(err)
			}
			want := []float64{tt.want, tt.want}
			if diff := cmp.Diff(want, got.BySeen(topology.ExitLocal)); diff != "" {
				t.Errorf("thresholds (-want +got):\n%s", diff)
			}
		})
	}
}

// What cannot be had must be said with figures, never half done.
func TestOutOfReach(t *testing.T) {
	top := paperTopology(t, "c", 2)
	always := []answer{said(0.125, 1, 1), said(0.25, 0, 0)} // one sample is beyond both exits
	tests := []struct {
		name    string
		top     *topology.Topology
		policy  Policy
		nearest Point
	}{
		{"accuracy", top, Policy{MinAccuracy, 0.97}, Point{LocalExit: 1, Overall: 0.5, Interval: Wilson(1, 2), PayloadPerSeenView: 12, PayloadPerDevice: 6}},
		{"bytes", top, Policy{MaxBytes, 11.9}, Point{LocalExit: 1, Overall: 0.5, Interval: Wilson(1, 2), PayloadPerSeenView: 12, PayloadPerDevice: 6}},
		{"local exits without a local exit", paperTopology(t, "a", 2), Policy{MinLocal, 0.6}, Point{Overall: 0.5, Interval: Wilson(1, 2), PayloadPerSeenView: 192, PayloadPerDevice: 96}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answers := append([]answer(nil), always...)
			if tt.top.Local == nil {
				for i := range answers {
					answers[i].proposals = answers[i].proposals[1:]
				}
			}
			_, err := evidence(tt.top, tt.policy, answers...).choose()
			var out *OutOfReachError
			if !errors.As(err, &out) {
				t.Fatalf("error %v, want an OutOfReachError", err)
			}
			if diff := cmp.Diff(tt.nearest, out.Nearest); diff != "" {
				t.Errorf("nearest (-want +got):\n%s", diff)
			}
			if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, tt.policy.String()) {
				t.Errorf("error %q is not one line that names the goal", text)
			}
		})
	}
}

// A number of views has its own threshold where the evidence rises with it, and the
// subsets of one sample together weigh no more than one sample.
func TestThresholdsByViewsSeen(t *testing.T) {
	top := paperTopology(t, "c", 2)
	at := func(seen int, entropy, weight float64, local int) weighed {
		a := said(entropy, local, 0)
		a.proposals[0].Seen = seen
		return weighed{a, weight}
	}
	c := evidence(top, Policy{})
	c.scored = 2
	c.cases = [][]weighed{
		// With one view the exit errs above 0.25, with two above 0.75.
		{at(1, 0.125, 0.5, 0), at(1, 0.375, 0.5, 1), at(2, 0.5, 1, 0)},
		{at(1, 0.125, 0.5, 0), at(1, 0.5, 0.5, 1), at(2, 1, 1, 1)},
	}
	got, err := c.choose()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float64{0.25, 0.75}, got.BySeen(topology.ExitLocal)); diff != "" {
		t.Errorf("thresholds (-want +got):\n%s", diff)
	}
}

// Samples that no view sees are never sent up: however many they are, the least sure of those
// that are seen must be. A camera that saw half of the samples sent none up.
func TestCarefulCountsWhatIsSeen(t *testing.T) {
	sure := []answer{said(0.125, 0, 0), said(0.25, 0, 0), said(0.5, 0, 0), said(0.75, 0, 0)}
	c := evidence(paperTopology(t, "c", 2), Policy{}, sure...)
	for range 4 {
		c.answers = append(c.answers, answer{label: 0})
	}
	got, err := c.choose()
	if err != nil {
		t.Fatal(err)
	}
	if at := got.At(topology.ExitLocal, 1); at != 0.625 {
		t.Errorf("T is %v, want 0.625, as without the samples that nobody sees", at)
	}
}

// An edge is judged by what the local exit sends up in the end. Where the local exit is right
// throughout it sends up the least sure all the same; an edge that is right about these answers
// them, but for its own least sure. It was given T = 0.
func TestCarefulEdge(t *testing.T) {
	var answers []answer
	for i := range 100 {
		a := said(float64(i+1)/128, 0, 0)
		a.proposals = append(a.proposals[:1:1],
			inference.Proposal{Exit: topology.ExitEdge, Seen: 1, Entropy: float64(i+1) / 256}, a.proposals[1])
		answers = append(answers, a)
	}
	c := evidence(paperTopology(t, "e", 2), Policy{}, answers...)
	got, err := c.choose()
	if err != nil {
		t.Fatal(err)
	}
	exits := map[topology.Exit]int{}
	for _, a := range answers {
		exits[a.proposals[inference.Choose(a.proposals, got)].Exit]++
	}
	if exits[topology.ExitEdge] == 0 || exits[topology.ExitCloud] < 5 || exits[topology.ExitCloud] > 10 {
		t.Errorf("T of local exit and edge %v and %v: exits %v, want 5 to 10 of 100 at the cloud and some at the edge",
			got.At(topology.ExitLocal, 1), got.At(topology.ExitEdge, 1), exits)
	}
}

// Where there are two early exits, the second is judged by what the first sends up:
// here everything that the edge would get wrong has gone by then.
func TestSecondExitIsCalibratedOnTheRest(t *testing.T) {
	top := paperTopology(t, "e", 2)
	sample := func(local, edge float64, edgeClass int) answer {
		a := said(local, 0, 0)
		a.proposals = append(a.proposals[:1:1],
			inference.Proposal{Exit: topology.ExitEdge, Seen: 1, Entropy: edge, Class: edgeClass}, a.proposals[1])
		return a
	}
	answers := []answer{
		sample(0.125, 0.125, 1), sample(0.25, 0.25, 1),
		sample(0.75, 0.25, 0), sample(0.875, 0.5, 0),
	}
	thresholds, err := evidence(top, Policy{MinLocal, 0.5}, answers...).choose()
	if err != nil {
		t.Fatal(err)
	}
	if got := thresholds.At(topology.ExitLocal, 1); got != 0.5 {
		t.Errorf("T of the local exit is %v, want 0.5", got)
	}
	// Half of the two samples that are left, not of all four.
	if got := thresholds.At(topology.ExitEdge, 1); got != 0.375 {
		t.Errorf("T of the edge is %v, want 0.375", got)
	}
}

// Without an early exit there is nothing to choose, and that is no error.
func TestNothingToCalibrate(t *testing.T) {
	top := paperTopology(t, "a", 2)
	a := said(0, 0, 0)
	a.proposals = a.proposals[1:]
	thresholds, err := evidence(top, Policy{}, a).choose()
	if err != nil {
		t.Fatal(err)
	}
	if got := thresholds.At(topology.ExitCloud, 1); got != 1 {
		t.Errorf("T of the last exit is %v, want 1", got)
	}
}

// Values that mean nothing must not get as far as a search.
func TestPolicyValidate(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name   string
		policy Policy
		ok     bool
	}{
		{"careful", Policy{}, true},
		{"accuracy", Policy{MinAccuracy, 0.97}, true},
		{"accuracy in percent", Policy{MinAccuracy, 97}, false},
		{"accuracy that is no number", Policy{MinAccuracy, nan}, false},
		{"bytes", Policy{MaxBytes, 40}, true},
		{"negative bytes", Policy{MaxBytes, -1}, false},
		{"endless bytes", Policy{MaxBytes, math.Inf(1)}, false},
		{"bytes that are no number", Policy{MaxBytes, nan}, false},
		{"local", Policy{MinLocal, 1}, true},
		{"more than all local", Policy{MinLocal, 1.01}, false},
		{"unknown goal", Policy{Goal: 9}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.policy.Validate(); (err == nil) != tt.ok {
				t.Errorf("Validate() = %v, want ok %v", err, tt.ok)
			}
		})
	}
}
