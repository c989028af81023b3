package command

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A line has to tell at a glance what was answered, where and how surely, and what was out
// of the ordinary.
func TestVerdictsText(t *testing.T) {
	ask(t, newAsked())
	golden(t, "verdicts", must(t, "verdicts"))
	if out := must(t, "verdicts", "--last", "1"); strings.Count(out, "\n") != 1 {
		t.Errorf("the last one: %q", out)
	}
}

// Programs rely on the fields and on what is null.
func TestVerdictsJSON(t *testing.T) {
	a := newAsked()
	ask(t, a)
	var lines []string
	for line := range strings.Lines(must(t, "verdicts", "--json")) {
		lines = append(lines, line)
	}
	if len(lines) != len(a.lines) {
		t.Fatalf("%d lines, want %d", len(lines), len(a.lines))
	}
	want := map[int]string{
		0: `{"sample":"yard/9f3c2a7be04d1158/100","beat":100,"ref":100,"label":"car","class":"car","exit":"local","entropy":{"local":0.0312},` +
			`"seen":["north","east","south"],"nothing":["west","roof","door"],"missing":[],"epoch":{"counter":3,"peer":"` + askedPeer + `"},` +
			`"views_missing":0,"stopped_early":false,"superseded_by":null,"latency_ms":4.2,"since_beat_ms":5.1,"holder":"gate","seq":"3-101","settings":0}`,
		3: `{"sample":"yard/9f3c2a7be04d1158/103","beat":103,"ref":103,"label":null,"class":null,"exit":"none","entropy":{},` +
			`"seen":[],"nothing":["north","east","south","west","roof","door"],"missing":[],"epoch":{"counter":3,"peer":"` + askedPeer + `"},` +
			`"views_missing":0,"stopped_early":false,"superseded_by":null,"latency_ms":4.2,"since_beat_ms":5.1,"holder":"gate","seq":"3-104","settings":0}`,
		6: `{"sample":"yard/0b5e77aa01c2d3e4","beat":null,"ref":12,"label":"bus","class":"bus","exit":"cloud","entropy":{"cloud":0.1234,"local":0.7105},` +
			`"seen":["north","east","south"],"nothing":["roof"],"missing":["west","door"],"epoch":{"counter":3,"peer":"` + askedPeer + `"},` +
			`"views_missing":2,"stopped_early":false,"superseded_by":null,"latency_ms":23.4,"since_beat_ms":null,"holder":"gate","seq":"3-420","settings":0}`,
		8: `{"gap":{"run":"9f3c2a7be04d1158","from":106,"to":109,"reason":"dropped"}}`,
	}
	for i, line := range want {
		if diff := cmp.Diff(line+"\n", lines[i]); diff != "" {
			t.Errorf("line %d (-want +got):\n%s", i, diff)
		}
	}
	var last struct {
		SupersededBy *string `json:"superseded_by"`
	}
	if err := json.Unmarshal([]byte(lines[7]), &last); err != nil || last.SupersededBy == nil || *last.SupersededBy != strings.Repeat("ef", 32) {
		t.Errorf("a superseded line: %s", lines[7])
	}
}

// Of several groups each has an exit of its own: one must not hide the other.
func TestEntropyByGroup(t *testing.T) {
	v := askedVerdict(7)
	v.Aggregators = []string{"gate", "shed"}
	v.Proposals = append(v.Proposals, askedAnswer().GetProposals()...)
	v.Proposals[1].Group = 1
	want := map[string]float64{"local/0": 0.0312, "local/1": 0.7105, "cloud": 0.1234}
	if diff := cmp.Diff(want, verdictOf(v).Entropy); diff != "" {
		t.Errorf("entropy (-want +got):\n%s", diff)
	}
}

// A follower prints each line as it comes, and Ctrl-C is no failure: nothing is said.
func TestVerdictsFollow(t *testing.T) {
	a := newAsked()
	a.follow = make(chan struct{})
	ask(t, a)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-a.follow
		cancel()
	}()
	var out, errs strings.Builder
	root := newRoot("test")
	root.SetArgs([]string{"verdicts", "-f", "--last", "100", "--json"})
	root.SetOut(&out)
	root.SetErr(&errs)
	verb, err := root.ExecuteContextC(ctx)
	if code := exitCode(&errs, verb, err); code != exitInterrupted || errs.String() != "" {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

func TestVerdictsUsage(t *testing.T) {
	ask(t, newAsked())
	for _, args := range [][]string{
		{"--last", "3", "--from", "0"},
		{"--last", "3", "--run", askedRun},
		{"--run", "12"},
		{"--run", "zzzzzzzzzzzzzzzz"},
		{"extra"},
		{"--last", "-1"},
	} {
		if code, _, errs := invoke(append([]string{"verdicts"}, args...)...); code != exitUsage || !strings.Contains(errs, "--help") {
			t.Errorf("verdicts %v: exit code %d, %s", args, code, errs)
		}
	}
	if out := must(t, "verdicts", "--run", askedRun, "--from", "100"); !strings.Contains(out, "    100  car") {
		t.Errorf("verdicts of a run:\n%s", out)
	}
	empty := newAsked()
	empty.lines = nil
	ask(t, empty)
	if code, out, errs := invoke("verdicts"); code != exitDone || out != "" || errs != "no verdicts yet\n" {
		t.Errorf("of an empty log: exit code %d, %q, %q", code, out, errs)
	}
}
