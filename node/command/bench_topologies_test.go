package command

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"ganglion/inference/evaluation"
	"ganglion/node/benchmesh"
	"ganglion/node/benchtopologies"
	"ganglion/node/demo"
)

// A slip in the command line must be told before anything is trained.
func TestBenchTopologiesRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		code int
		want string // in the error
	}{
		{"another network", []string{"--only", "g"}, exitUsage, `"g"`},
		{"a delay twice", []string{"--cloud-delay", "1s,1s"}, exitUsage, "cloud delay 1s"},
		{"no rate", []string{"--rate", "0"}, exitUsage, "rate 0"},
		{"no epochs", []string{"--epochs", "0"}, exitUsage, "epochs is 0"},
		{"no frames", []string{"--test-frames", "5-1"}, exitUsage, "--test-frames"},
		{"no data", []string{"--data", "nowhere.npz"}, exitFailed, "nowhere.npz"},
		{"an argument", []string{"fast"}, exitUsage, "fast"},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := []string{"bench", "topologies", "--data", "street:samples=40", "--out", filepath.Join(t.TempDir(), "out")}
			code, out, errs := invoke(append(data, test.args...)...)
			if code != test.code || !strings.Contains(errs, test.want) || out != "" {
				t.Errorf("exit code %d, output %q, error %q; want %d and %q", code, out, errs, test.code, test.want)
			}
		})
	}
}

// The table must name each network and its view, have a column for each delay, a dash where
// there is no figure, and say what was not as it should be.
func TestTopologiesText(t *testing.T) {
	live := func(delay, p50 float64) benchtopologies.Live {
		l := benchtopologies.Live{DelayMS: delay, Due: 9, Decided: 9, PayloadPerSample: 17.5, SocketPerSample: 1234}
		l.LatencyMS = demo.Percentiles{P50: evaluation.Number(p50), P99: evaluation.Number(2 * p50)}
		return l
	}
	late := live(40, 41)
	late.Short = 3
	r := &benchtopologies.Result{
		Data: "street", Synthetic: true, Samples: 9, Frames: "1-3", Seed: 7, Epochs: 5, Machine: benchmesh.Machine{Platform: "linux/amd64", Go: "go1", Processors: 2},
		Networks: []benchtopologies.Network{
			{Name: "c", Topology: "devices-cloud", Accuracy: 0.91, Exits: map[string]evaluation.Number{"local": 0.8, "cloud": 0.2}, Live: []benchtopologies.Live{live(0, 1.5), late}},
			{Name: "alone", View: "camera3", Topology: "device-cloud", Accuracy: evaluation.Number(math.NaN())},
		},
		Claim: &benchtopologies.Claim{
			Accuracy: 0.91, Alone: benchtopologies.Versus{Other: "camera3", Verdict: benchtopologies.Better, TimesBytes: evaluation.Number(math.NaN())},
			Float: benchtopologies.Versus{Other: "float", Verdict: benchtopologies.Equal, TimesBytes: 171.9},
		},
	}
	text := topologiesText(r)
	for _, want := range []string{
		"rendered", "9 test samples: frames 1-3", "seed 7", "alone: camera3", "91.0 %", "80.0 %", "17.5", "1234",
		"cloud 0 ms away", "cloud 40 ms away", "1.5 / 3.0", "41.0 / 82.0", "3 rest on fewer views",
		"than the best view alone, camera3", "better", "equal within chance", "172 times the bytes",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "times the bytes"); n != 1 {
		t.Errorf("%d comparisons tell of bytes, one has any", n)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  alone: camera3") && !strings.Contains(line, "-") {
			t.Errorf("line %q has figures that there are none of", line)
		}
	}
}
