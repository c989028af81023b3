package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/builtin"
	"ganglion/inference/evaluation"
	"ganglion/node/demo"
	"ganglion/node/launch"
)

// demoResult is a result with something of everything.
func demoResult() *demo.Result {
	nan := evaluation.Number(math.NaN())
	return &demo.Result{
		Planned: 183, Due: 183, Decided: 183, NoView: 2, Samples: 183,
		Accuracy: 0.9615, Interval: evaluation.Interval{0.9229, 0.9813},
		Exits:              map[string]evaluation.Number{"local": 0.88, "cloud": 0.109, "none": 0.011},
		ExitAccuracy:       map[string]evaluation.ExitAccuracy{"local": {Samples: 161, Accuracy: 0.969}, "cloud": {Samples: 20, Accuracy: 0.9}},
		LatencyMS:          map[string]demo.Percentiles{"local": {P50: 2.5, P90: 6.42, P99: 12.5, Max: 13}, "cloud": {P50: 24.9, P90: 29.6, P99: 42.61, Max: 42.61}, "none": {P50: 1, P90: 1, P99: 1, Max: 1}},
		AgreesWithEval:     true,
		Differences:        []demo.Difference{},
		PayloadPerSeenView: 25.06, FormulaPerSeenView: 25.06, FramesPerSeenView: nan, SocketPerSeenView: 514.2, RawPerView: 3072,
		Nodes: 8, Devices: 6, Died: []string{}, Seconds: 13.04,
	}
}

// What people read at the end, word by word: each figure is there with what it is of.
func TestDemoResultText(t *testing.T) {
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	unpainted := func(_ style, text string) string { return text }
	good := demoResult()
	bad := demoResult()
	bad.AgreesWithEval, bad.Differing, bad.Died = false, 7, []string{"device-2"}
	bad.FramesPerSeenView = 71
	for i := range 7 {
		bad.Differences = append(bad.Differences, demo.Difference{Ref: 40 + i, What: "views that the sample has are missing: camera1 (connection broken)"})
	}
	tests := []struct {
		name   string
		result *demo.Result
		want   string
	}{
		{"all well", good, `
samples    183 due = 183 decided + 0 refused + 0 lost + 0 open; 2 nobody saw
accuracy   96.2 %, 95 % interval 92.3 to 98.1 %
agreement  all 183 answers are those of the network in one process, bit for bit

By exit
  exit     share   accuracy there   labelled   p50 ms   p90 ms   p99 ms    max
  local   88.0 %           96.9 %        161      2.5      6.4     12.5   13.0
  cloud   10.9 %           90.0 %         20     24.9     29.6     42.6   42.6
  none     1.1 %                                  1.0      1.0      1.0    1.0
  Latency is from the first frame of a sample to its sealed, published verdict.

Bytes that a device sends for each view that it sees
                                                                         bytes
  payload, measured: scores, and features of what goes up                 25.1
  payload by the paper's formula (section III-E)                          25.1
  on the wire, all about samples: heartbeats, seals, acknowledgements    514.2
  the picture itself                                                    3072.0
`},
		{"a device died", bad, `
samples    183 due = 183 decided + 0 refused + 0 lost + 0 open; 2 nobody saw
accuracy   96.2 %, 95 % interval 92.3 to 98.1 %
agreement  176 of 183 answers are those of the network in one process, bit for bit
           7 rest on less than their samples have, and are right for what they rest on
             samples 40, 41, 42, 43, 44, 45 and 1 more: views that the sample has are missing: camera1 (connection broken)
           Likely cause: device-2 ended in the run; what it had is missing until somebody else has it
ended      device-2, without being asked to

By exit
  exit     share   accuracy there   labelled   p50 ms   p90 ms   p99 ms    max
  local   88.0 %           96.9 %        161      2.5      6.4     12.5   13.0
  cloud   10.9 %           90.0 %         20     24.9     29.6     42.6   42.6
  none     1.1 %                                  1.0      1.0      1.0    1.0
  Latency is from the first frame of a sample to its sealed, published verdict.

Bytes that a device sends for each view that it sees
                                                                         bytes
  payload, measured: scores, and features of what goes up                 25.1
  payload by the paper's formula (section III-E)                          25.1
  on the wire, frames with scores or features                             71.0
  on the wire, all about samples: heartbeats, seals, acknowledgements    514.2
  the picture itself                                                    3072.0
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, demoResultText(tt.result, b.Topology(), unpainted)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Who reads that not all answers agree must see which samples, in what, and why that may be:
// a stall of the machine is no fault of the network, a wrong answer always is one.
func TestAgreementText(t *testing.T) {
	unpainted := func(_ style, text string) string { return text }
	late := demo.Difference{Ref: 40, What: "views that the sample has are missing: camera1 (silent)"}
	early := demo.Difference{Ref: 7, What: "it stopped early: the tier above was silent"}
	wrong := demo.Difference{Ref: 9, What: "exit local has score 1 for car\a, in one process 2", Wrong: true}
	tests := []struct {
		name  string
		spoil func(r *demo.Result)
		want  string
	}{
		{"all agree", func(r *demo.Result) { r.AgreesWithEval = true }, "all 183 answers are those of the network in one process, bit for bit"},
		{"views missing", func(r *demo.Result) {
			r.AgreesWithEval, r.Missing = true, []string{"camera0"}
		}, "all 183 answers are those of the network in one process on the same views, bit for bit"},
		{"no answer", func(r *demo.Result) { r.Samples = 0 }, "there is no answer to compare"},
		{"a stall", func(r *demo.Result) {
			r.Differing, r.Differences = 3, []demo.Difference{late, early, late}
			r.Differences[2].Ref = 41
		}, `180 of 183 answers are those of the network in one process, bit for bit
           3 rest on less than their samples have, and are right for what they rest on
             samples 40, 41: views that the sample has are missing: camera1 (silent)
             sample 7: it stopped early: the tier above was silent
           Likely cause: this machine was busy or stood still; a view over 100 ms late is not waited for.
           Try it again when the machine has less to do, or with a lower --rate`},
		{"more than are known by name", func(r *demo.Result) {
			r.Differing, r.Died, r.Differences = 70, []string{"device-2"}, []demo.Difference{{Ref: 3, What: "camera1 (connection broken)"}}
		}, `113 of 183 answers are those of the network in one process, bit for bit
           70 rest on less than their samples have, and are right for what they rest on
             sample 3: camera1 (connection broken)
             and 69 samples after these
           Likely cause: device-2 ended in the run; what it had is missing until somebody else has it`},
		{"wrong", func(r *demo.Result) {
			r.Differing, r.Wrong, r.Differences = 1, 1, []demo.Difference{wrong}
		}, `1 of 183 answers are not what the network in one process makes of the views that they rest on
             sample 9: exit local has score 1 for car?, in one process 2
           That must never be, whatever dies: please report it, with the logs that --log-dir DIR keeps`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := demoResult()
			r.AgreesWithEval = false
			tt.spoil(r)
			if diff := cmp.Diff(tt.want, agreementText(r, unpainted)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Programs read these keys from the last line: they must stay, and figures of nothing must
// be null, which every reader of JSON takes.
func TestDemoJSON(t *testing.T) {
	data, err := json.Marshal(demoResult())
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"due", "decided", "no_view", "refused", "lost", "open", "accuracy", "exits", "agrees_with_eval", "latency_ms",
		"payload_bytes_per_seen_view", "socket_bytes_per_seen_view", "nodes", "differences", "interval", "exit_accuracy", "seconds",
		"missing", "wrong", "act",
	} {
		if _, ok := got[key]; !ok {
			t.Errorf("no key %q in %s", key, data)
		}
	}
	if v, ok := got["frame_bytes_per_seen_view"]; !ok || v != nil {
		t.Errorf("a figure of nothing is %v, want null", v)
	}
	if local, ok := got["latency_ms"].(map[string]any)["local"].(map[string]any); !ok || local["p50"] != 2.5 || local["p99"] != 12.5 {
		t.Errorf("latency %v", got["latency_ms"])
	}
}

// The exit code says whether the demo showed what it is to show, so that a script may ask.
func TestDemoVerdict(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(r *demo.Result)
		want  string
	}{
		{"well", func(*demo.Result) {}, ""},
		{"one lost", func(r *demo.Result) { r.Lost, r.Decided = 1, 182 }, "1 are lost"},
		{"one open", func(r *demo.Result) { r.Open, r.Decided = 1, 182 }, "1 are open"},
		{"a verdict did not come", func(r *demo.Result) { r.Samples-- }, "182 verdicts came"},
		{"one lost in the act", func(r *demo.Result) { r.Act.Lost, r.Act.Decided = 1, 299 }, "in the act, of 300 samples 1 are lost"},
		{"one open in the act", func(r *demo.Result) { r.Act.Open, r.Act.Decided = 1, 299 }, "1 are open"},
		{"a verdict of the act did not come", func(r *demo.Result) { r.Act.Samples-- }, "299 verdicts came"},
		{"one wrong in the act", func(r *demo.Result) { r.Act.Wrong = 1 }, "in the act, 1 of 300 verdicts"},
		{"without an act", func(r *demo.Result) { r.Act = nil }, ""},
		{"a beat that no node heard of", func(r *demo.Result) { r.Due, r.Decided, r.Samples = 182, 182, 182 }, "183 samples were to come, 182 were due"},
		{"nothing happened", func(r *demo.Result) { r.Planned, r.Due, r.Decided, r.Samples = 0, 0, 0, 0 }, "0 samples were due"},
		{"one is short", func(r *demo.Result) { r.AgreesWithEval, r.Differing = false, 1 }, "1 of 183 verdicts rest on less"},
		{"one is wrong", func(r *demo.Result) { r.AgreesWithEval, r.Differing, r.Wrong = false, 2, 1 }, "1 of 183 verdicts are not what"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := demoResult()
			r.Act = demoAct()
			tt.spoil(r)
			err := verdictOn(r)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want one with %q", err, tt.want)
			}
		})
	}
}

// Faults of the command line must be found before a process is started.
func TestDemoUsage(t *testing.T) {
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--model", "m", "--topology", "c"}, exitUsage, "use one of the two"},
		{[]string{"--data", smallStreet, "--nodes", "9"}, exitUsage, "9 devices for 6 views"},
		{[]string{"--data", smallStreet, "--rate", "0"}, exitUsage, "rate 0"},
		{[]string{"--data", smallStreet, "--missing", "camera1,9,attic"}, exitUsage, "--missing 9,attic: "},
		{[]string{"--data", smallStreet, "--missing", "0,1,2,3,4,camera5"}, exitUsage, "all 6 views are missing"},
		{[]string{"--data", smallStreet, "--missing", "0,3", "--nodes", "5"}, exitUsage, "5 devices for 4 views"},
		{[]string{"--data", "street:samples=30", "--cloud-delay", "1h"}, exitUsage, "cloud delay 1h0m0s"},
		{[]string{"extra"}, exitUsage, `unexpected argument "extra"`},
		{[]string{"--model", "none.ganglion"}, exitFailed, "none.ganglion"},
		{[]string{"--topology", "z"}, exitFailed, "z"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			code, out, errs := invoke(append([]string{"demo"}, tt.args...)...)
			if code != tt.code || !strings.Contains(errs, tt.want) || out != "" {
				t.Errorf("exit code %d, %q on stdout, %q on stderr; want %d and %q", code, out, errs, tt.code, tt.want)
			}
		})
	}
}

// What comes from nodes must not move the cursor of who watches, and a pipe gets no colours
// and no progress lines.
func TestDemoStoryIsPlain(t *testing.T) {
	var out bytes.Buffer
	d := newDemoText(&out)
	d.Tell(demo.Event{Since: 1234 * time.Millisecond, Kind: demo.Joined, Text: "device-\x1b[2J1 is in the mesh"})
	d.Progress(7, 9)
	d.Waits("a node")
	d.Tell(demo.Event{Since: 12 * time.Second, Kind: demo.Ended, Text: "node-7 ended (signal: killed)"})
	d.failed(fmt.Errorf("start the nodes: %w", &launch.ExitError{Name: "device-1", How: "exit status 1", Log: []string{"one", "two\a"}}), keepsLogs)
	want := "   1.2 s  joined    device-?[2J1 is in the mesh\n  12.0 s  ended     node-7 ended (signal: killed)\n" +
		"\nThe end of the log of device-1 (--log-dir DIR keeps all):\n  one\n  two?\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
