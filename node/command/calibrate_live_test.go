package command

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"ganglion/inference/builtin"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/node"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// liveStreet is what the nodes of a test replay: what the built-in bundle was trained for.
const liveStreet = "street:samples=24,seed=3"

// The whole way on a mesh that runs: what a change would do is shown and nothing done, then it
// is made, told with its beat, seen in the verdicts, and taken back with the line that the
// verb gave.
func TestCalibrateLive(t *testing.T) {
	m := nodetest.Start(t, nodetest.Devices(liveStreet, 6), nodetest.Spares(1), nodetest.Configure(func(c *node.Config) { c.Split = "all" }))
	m.Settle(t.Context())
	run := m.Run(0, 20*time.Millisecond)
	m.AwaitVerdict(t.Context(), "device-0", run, 30)
	status, err := m.API("device-2").Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	calibrate := func(args ...string) (told live) {
		t.Helper()
		raw := must(t, append([]string{"calibrate", "--live", "--json", "--node", status.GetApi()}, args...)...)
		if err := json.Unmarshal([]byte(raw), &told); err != nil {
			t.Fatalf("read %s: %v", raw, err)
		}
		return told
	}
	now := func() *controlpb.Thresholds {
		s, err := m.API("device-2").Status(t.Context(), &controlpb.StatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return s.GetThresholds()
	}
	tried := calibrate("--dry-run", "--set", "local=0")
	if r := tried.Rehearsal; r.Samples == 0 || !(r.After.Exits["local"] < r.Before.Exits["local"]/2) || !tried.DryRun || tried.Version != nil {
		t.Errorf("a dry run tells %+v", tried)
	}
	if got := now(); got.GetVersion() != 0 || got.GetCounter() != 0 {
		t.Errorf("a dry run has changed the mesh: %v", got)
	}
	set := calibrate("--set", "local=0")
	if set.Since == nil || set.Version == nil || *set.Version == 0 || *set.Counter != 1 || set.New["local"]["6"] != 0 || set.Run == nil || *set.Run != run {
		t.Fatalf("a change tells %+v", set)
	}
	for beat := *set.Since - 5; beat < *set.Since+5; beat++ {
		v := m.AwaitVerdict(t.Context(), "device-1", run, beat)
		want := uint64(0)
		if beat >= *set.Since {
			want = *set.Version
		}
		if len(v.GetSeen())+len(v.GetNothing()) > 0 && v.GetSettings() != want { // what nobody spoke of is under none
			t.Errorf("beat %d is under settings %d, want %d: in force from %d", beat, v.GetSettings(), want, *set.Since)
		}
	}
	data := calibrate("--data", liveStreet, "--all", "--min-local", "0.3", "--dry-run")
	if data.Chosen == nil || !(data.Chosen.Before.LocalExit < data.Chosen.After.LocalExit) || data.Chosen.After.LocalExit < 0.3 || data.Old["local"]["1"] != 0 {
		t.Errorf("chosen on data: %+v", data)
	}
	if want := "ganglion calibrate --live --node " + status.GetApi() + " --set local=0"; data.Undo != want {
		t.Errorf("undo %q, want %q", data.Undo, want)
	}
	undo := strings.Fields(set.Undo)[1:]
	out := must(t, undo...)
	if got := now(); got.GetVersion() != 0 && !strings.Contains(out, "from beat") {
		t.Errorf("undone by %q: %v\n%s", set.Undo, got, out)
	}
	for _, part := range []string{"those that the bundle was made with", "in force  from beat", "setting   number 2", "undo      ganglion calibrate --live --node " + status.GetApi() + " --set local=0\n"} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is not in\n%s", part, out)
		}
	}
	for _, row := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"--set", "local=1.5"}, "not in [0, 1]", exitUsage},
		{[]string{"--set", "edge=0.5"}, "exits local, cloud and 6 views", exitUsage},
		{[]string{"--set", "local=0.1,0.2,0.3,0.4,0.5,0.6,0.7"}, "7 values for 1 to 6 views", exitUsage},
		{[]string{"--min-local", "0.5", "--data", "street:samples=9,classes=2"}, "--set local=0.5", exitFailed},
	} {
		code, _, errs := invoke(append([]string{"calibrate", "--live", "--node", status.GetApi()}, row.args...)...)
		if code != row.code || !strings.Contains(errs, row.want) {
			t.Errorf("%q: exit code %d, %s; want %d with %q", row.args, code, errs, row.code, row.want)
		}
	}
}

// Flags that do not go together are told before anything is asked.
func TestCalibrateLiveUsage(t *testing.T) {
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"--set", "local=0.5"}, "--set is of a mesh that runs: add --live"},
		{[]string{"--dry-run", "--out", "x"}, "--dry-run is of a mesh that runs"},
		{[]string{"--live", "--out", "x"}, "--out is of a file"},
		{[]string{"--live", "--model", "x"}, "--model is of a file"},
		{[]string{"--live", "--reset", "--set", "local=0.5"}, "two changes"},
		{[]string{"--live", "--reset", "--accuracy", "0.9"}, "--accuracy has them chosen on data"},
		{[]string{"--live", "--set", "local=0.5", "--data", "street"}, "--data has them chosen on data"},
	} {
		if code, _, errs := invoke(append([]string{"calibrate"}, row.args...)...); code != exitUsage || !strings.Contains(errs, row.want) {
			t.Errorf("%q: exit code %d, %s; want %q", row.args, code, errs, row.want)
		}
	}
}

// What people read, word by word.
func TestCalibrateLiveText(t *testing.T) {
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	beat, version, counter, run := uint64(417), uint64(8_414_212_190_871_553_001), uint64(3), askedRun
	l := live{
		Mesh: "kx7q2mva", Bundle: askedBundle, Goal: evaluation.Policy{Goal: evaluation.MinLocal, Value: 0.6}.String(),
		Old: evaluation.ThresholdsByName(b.Topology(), b.Thresholds().WithAll(0.9)), New: evaluation.ThresholdsByName(b.Topology(), b.Thresholds().WithAll(0.5)),
		Rehearsal: triedOn{
			Samples: 1000, Unknown: 12, Changed: 1,
			Before: triedSide{Exits: map[string]evaluation.Number{"local": 0.905, "cloud": 0.095}, Labelled: 1000, Accuracy: 0.99, Payload: 132.4},
			After:  triedSide{Exits: map[string]evaluation.Number{"local": 0.6, "cloud": 0.4}, Labelled: 988, Accuracy: 0.993, Payload: 310.25},
		},
		Chosen: &chosenOn{
			Data: "street", Split: "validation", Samples: 57, synthetic: true,
			Before: evaluation.Point{LocalExit: 0.9, Overall: 0.98, PayloadPerSeenView: 17.8}, After: evaluation.Point{LocalExit: 0.6, Overall: 1, PayloadPerSeenView: 63.2},
		},
		Version: &version, Counter: &counter, Since: &beat, Run: &run, Undo: "ganglion calibrate --live --set local=0.9",
		exits: []topology.Exit{topology.ExitLocal, topology.ExitCloud}, views: 2,
	}
	golden(t, "calibrate-live", l.text())
	l.DryRun, l.Chosen, l.Rehearsal = true, nil, triedOn{Before: triedSide{Accuracy: evaluation.Number(math.NaN())}}
	golden(t, "calibrate-live-dry-run", l.text())
}

// The status of a node says by which thresholds it answers, once they are not the bundle's.
func TestStatusOfThresholds(t *testing.T) {
	since := uint64(417)
	s := &controlpb.StatusResponse{
		Thresholds: &controlpb.Thresholds{Version: 5, Counter: 3, Exits: []*controlpb.ExitThresholds{
			{Exit: "local", BySeen: []float64{0.25, 0.5, 0.5}}, {Exit: "edge", BySeen: []float64{0.7, 0.7, 0.7}},
		}},
		ThresholdsNext: &controlpb.Thresholds{Since: &since},
	}
	f := facts{width: len("addresses")}
	addThresholds(&f, s)
	want := "exits      local up to an entropy of 0.25, 0.5 by views seen; edge up to an entropy of 0.7 (setting 3)\n" +
		"           from beat 417 on the thresholds of the bundle\n"
	if got := f.out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
