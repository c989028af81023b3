package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/topology"
)

// smallKernels is a network that the plain float32 path runs in no time.
const smallKernels = "{views: 2, classes: [a, b, c], input: {rows: 6, cols: 6}, " +
	"device: {blocks: [{filters: 2, pool: 2}]}, local: {scores: MP}, cloud: {features: CC, blocks: [{filters: 2}]}}"

// runBench runs `bench kernels` on the small network without a foreign runtime.
func runBench(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "small.yaml")
	if err := os.WriteFile(file, []byte(smallKernels), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("GANGLION_ONNXRUNTIME", "")
	t.Setenv("ORT_LIBRARY", "")
	args = append([]string{"bench", "kernels", "--topology", file, "--rounds", "3", "--turn", "1ms"}, args...)
	var o, e bytes.Buffer
	code = Main(args, strings.NewReader(""), &o, &e, "test")
	return code, o.String(), e.String()
}

// The report must have every section, best against best, and show that the packed
// kernels allocate nothing.
func TestBenchKernelsJSON(t *testing.T) {
	code, out, errs := runBench(t, "--json")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var report kernelReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Onnxruntime != nil || report.Rounds != 3 || report.Weights != "random" || report.Views != 2 {
		t.Errorf("report %+v, want 3 rounds of random weights with two views and no onnxruntime", report)
	}
	var names []string
	for _, s := range report.Sections {
		names = append(names, s.Section)
		if s.Packed.Allocs == nil || *s.Packed.Allocs != 0 {
			t.Errorf("%s: the packed kernels allocate %v times a run, want 0", s.Section, s.Packed.Allocs)
		}
		if s.Naive.Allocs == nil || *s.Naive.Allocs < 1 {
			t.Errorf("%s: the plain network allocates %v times a run, which it must: are allocations seen?", s.Section, s.Naive.Allocs)
		}
		for name, of := range map[string]*timing{"packed": s.Packed, "naive": s.Naive} {
			if !(of.BestNS > 0) || of.MedianNS < of.BestNS || of.Iterations < 1 {
				t.Errorf("%s, %s: timing %+v is impossible", s.Section, name, of)
			}
		}
		if want := s.Naive.BestNS / s.Packed.BestNS; s.OverNaive != want {
			t.Errorf("%s: speedup %v, want best over best %v", s.Section, s.OverNaive, want)
		}
	}
	if diff := cmp.Diff([]string{"device", "cloud"}, names); diff != "" {
		t.Errorf("sections (-want +got):\n%s", diff)
	}
}

// Without onnxruntime the table must say how to get its times.
func TestBenchKernelsText(t *testing.T) {
	code, out, errs := runBench(t)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{"device section", "cloud section", "packed", "naive Go float32", "bytes of weights", "npm install"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
}

// A slip in the command line must be told before anything is timed.
func TestBenchKernelsRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		code int
		want string // in the error
	}{
		{"no rounds", []string{"--rounds", "0"}, exitUsage, "--rounds 0"},
		{"no views", []string{"--views", "0"}, exitUsage, "--views 0"},
		{"weights of two kinds", []string{"--model", "m.ganglion"}, exitUsage, "--model"},
		{"long turn", []string{"--turn", "1h"}, exitUsage, "--turn 1h"},
		{"argument", []string{"fast"}, exitUsage, "fast"},
		{"absent library", []string{"--onnxruntime", "absent.so"}, exitFailed, "absent.so"},
		{"absent topology", []string{"--topology", "absent.yaml"}, exitFailed, "absent.yaml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := runBench(t, test.args...)
			if code != test.code || !strings.Contains(errs, test.want) || strings.Count(errs, "\n") > 2 || out != "" {
				t.Errorf("exit code %d, output %q, error %q; want %d and %q", code, out, errs, test.code, test.want)
			}
		})
	}
}

// The layers on a device take less than 2 KB in the paper (section IV); ours are held
// to that, and to 8 KB with the memory that they work in.
func TestDeviceFitsSmallDevice(t *testing.T) {
	o := kernelOptions{topology: topology.DefaultPreset, views: paperViews}
	b, err := kernelBundle(o)
	if err != nil {
		t.Fatal(err)
	}
	device := newKernelReport(b, o).Device
	if device.WeightBytes <= 0 || device.WeightBytes >= 2<<10 {
		t.Errorf("weights take %d bytes, want less than 2 KB", device.WeightBytes)
	}
	if all := device.WeightBytes + device.ScratchBytes; device.ScratchBytes <= 0 || all >= 8<<10 {
		t.Errorf("weights and scratch take %d bytes, want less than 8 KB", all)
	}
}

// Every contender must have its turn in every round, and not always the same one
// first: what one leaves in the caches must meet the others alike.
func TestRaceTakesTurns(t *testing.T) {
	var order []string
	var contenders []*contender
	for _, name := range []string{"a", "b", "c"} {
		contenders = append(contenders, &contender{name: name, run: func() error {
			if len(order) == 0 || order[len(order)-1] != name {
				order = append(order, name)
			}
			return nil
		}})
	}
	if err := race(t.Context(), contenders, 3, 10*time.Microsecond); err != nil {
		t.Fatal(err)
	}
	// A turn is many runs and one letter here. The first three are calibration.
	if got, want := strings.Join(order, ""), "abc"+"abc"+"bca"+"cab"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	for _, c := range contenders {
		if len(c.perRun) != 3 || len(c.mallocs) != 3 {
			t.Errorf("%s was timed %d times in 3 rounds", c.name, len(c.perRun))
		}
	}
}

// A failing contender and Ctrl-C must end a race.
func TestRaceEnds(t *testing.T) {
	broken := errors.New("broken")
	err := race(t.Context(), []*contender{{name: "a", run: func() error { return broken }}}, 1, time.Microsecond)
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the contender's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = race(ctx, []*contender{{name: "a", run: func() error { return nil }}}, 1, time.Microsecond)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

// Best and median are of the rounds, whatever their order; allocations are the least,
// because other goroutines' are counted too.
func TestTiming(t *testing.T) {
	for _, test := range []struct {
		name                 string
		perRun, mallocs      []float64
		best, median, allocs float64
	}{
		{"one", []float64{5}, []float64{2}, 5, 5, 2},
		{"odd", []float64{9, 1, 5}, []float64{2, 1, 3}, 1, 5, 1},
		{"even", []float64{9, 1, 5, 3}, []float64{0.1, 0, 0, 0}, 1, 4, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := contender{iterations: 7, perRun: test.perRun, mallocs: test.mallocs}
			want := &timing{BestNS: test.best, MedianNS: test.median, Iterations: 7, Allocs: &test.allocs}
			if diff := cmp.Diff(want, c.timing()); diff != "" {
				t.Errorf("timing (-want +got):\n%s", diff)
			}
			c.foreign = true
			if c.timing().Allocs != nil {
				t.Error("allocations of memory that is not Go's were told")
			}
		})
	}
}

// What computes something else must not be timed; NaN is something else.
func TestNear(t *testing.T) {
	nan := float32(math.NaN())
	for _, test := range []struct {
		name      string
		got, want float32
		near      bool
	}{
		{"equal", 1, 1, true},
		{"rounded", 1.000005, 1, true},
		{"rounded, large", 1000.005, 1000, true},
		{"other sign", -1, 1, false},
		{"off", 1.0001, 1, false},
		{"NaN", nan, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := near([]float32{test.got}, []float32{test.want}); (err == nil) != test.near {
				t.Errorf("near(%v, %v) = %v", test.got, test.want, err)
			}
		})
	}
}
