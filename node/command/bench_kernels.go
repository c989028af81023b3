package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/onnx/onnxruntime"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
)

// kernelOptions are the flags of `bench kernels`.
type kernelOptions struct {
	model    string        // bundle; empty: random weights
	topology string        // of random weights
	views    int           // of that topology, unless it says so itself
	library  string        // onnxruntime's; empty: where it is usually found
	rounds   int           //
	turn     time.Duration // of each contender in a round
	json     bool          //
}

// The limits of the flags.
const (
	mostKernelRounds = 1000
	mostKernelTurn   = 10 * time.Second
	leastKernelTurn  = time.Millisecond
)

func (o *kernelOptions) check() error {
	switch {
	case o.views < 1 || o.views > topology.MaxViews:
		return usagef("--views %d is not within 1 and %d", o.views, topology.MaxViews)
	case o.rounds < 1 || o.rounds > mostKernelRounds:
		return usagef("--rounds %d is not within 1 and %d", o.rounds, mostKernelRounds)
	case o.turn < leastKernelTurn || o.turn > mostKernelTurn:
		return usagef("--turn %v is not within %v and %v", o.turn, leastKernelTurn, mostKernelTurn)
	}
	return nil
}

func newBenchKernelsCommand() *cobra.Command {
	var o kernelOptions
	cmd := &cobra.Command{
		Use:   "kernels",
		Short: "Time the packed kernels against plain and against foreign float32",
		Example: `  ganglion bench kernels
  ganglion bench kernels --model corner.ganglion --json`,
		Long: `Times the device section on one view and the cloud section on one sample with
every view seen, on one thread: by the packed kernels, by the plain float32 network
that they must equal, and by onnxruntime where there is one. They take turns in
every round; what counts is best against best. Before the clock starts, all of them
must agree on the sample.

Each contender gets what it works on best: the packed kernels 8-bit pixels and packed
features, onnxruntime pixels and features that are floats already, on tensors that it
keeps, with every optimization on. The plain network unpacks its weights every time.

onnxruntime is a library of its own: npm install --ignore-scripts onnxruntime-node
brings it. Loading it needs a build with the tag onnxruntime (and cgo):
  go run -tags onnxruntime . bench kernels`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if o.model != "" && (cmd.Flags().Changed("topology") || cmd.Flags().Changed("views")) {
				return usagef("--model has a topology of its own: leave --topology and --views out")
			}
			report, err := benchKernels(cmd, o)
			if err != nil {
				return err
			}
			if o.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(report)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), report.text())
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.model, "model", "", "bundle to time (default: random weights, which take the same time)")
	flags.StringVar(&o.topology, "topology", topology.DefaultPreset, "preset or YAML file to make random weights for")
	flags.IntVar(&o.views, "views", paperViews, "number of views of that topology")
	flags.StringVar(&o.library, "onnxruntime", "", "onnxruntime's library, or where npm installed it (default: $"+onnxruntime.EnvLibrary+", then ./node_modules)")
	flags.IntVar(&o.rounds, "rounds", 60, "rounds; every contender has a turn in each")
	flags.DurationVar(&o.turn, "turn", 5*time.Millisecond, "about how long a turn is")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

// kernelReport is what `bench kernels` tells.
type kernelReport struct {
	Bundle      string           `json:"bundle"`
	Weights     string           `json:"weights"` // the bundle's file, or "random"
	Topology    string           `json:"topology"`
	Views       int              `json:"views"`
	Go          string           `json:"go"`
	Platform    string           `json:"platform"` // os/architecture
	Rounds      int              `json:"rounds"`
	TurnMS      float64          `json:"turn_ms"`
	Onnxruntime *string          `json:"onnxruntime"` // its version; null: not timed
	Device      deviceMemory     `json:"device"`
	Sections    []sectionTimings `json:"sections"`

	note string // why onnxruntime was not timed, for people
}

// sectionTimings is one section by every contender.
type sectionTimings struct {
	Section         string   `json:"section"` // device or cloud
	Packed          *timing  `json:"packed"`
	Naive           *timing  `json:"naive"`
	Onnxruntime     *timing  `json:"onnxruntime"`         // null: not timed
	OverNaive       float64  `json:"speedup_naive"`       // naive's best over packed's best
	OverOnnxruntime *float64 `json:"speedup_onnxruntime"` // onnxruntime's best over packed's best; null: not timed
}

// kernelsCompared is the number of random samples on which the packed network must
// equal the plain one before it is timed.
const kernelsCompared = 10

func benchKernels(cmd *cobra.Command, o kernelOptions) (report *kernelReport, err error) {
	ctx := cmd.Context()
	b, err := kernelBundle(o)
	if err != nil {
		return nil, err
	}
	if _, err := reference.Compare(ctx, b, kernelsCompared, 1); err != nil {
		return nil, fmt.Errorf("compare kernels: %w", err)
	}
	foreign, note, err := findRuntime(o.library)
	if err != nil {
		return nil, err
	}
	if foreign != nil {
		defer func() { err = errors.Join(err, foreign.Close()) }()
	}
	report = newKernelReport(b, o)
	report.note = note
	if foreign != nil {
		report.Onnxruntime = &foreign.Version
	}
	for _, s := range kernelSections(b) {
		timings, err := s.time(ctx, foreign, o.rounds, o.turn)
		if err != nil {
			return nil, fmt.Errorf("time %s section: %w", s.name, err)
		}
		report.Sections = append(report.Sections, *timings)
	}
	return report, nil
}

func newKernelReport(b *inference.Bundle, o kernelOptions) *kernelReport {
	weights := "random"
	if o.model != "" {
		weights = o.model
	}
	return &kernelReport{
		Bundle: b.ID().String(), Weights: weights, Topology: b.Topology().Name, Views: len(b.Topology().Views),
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Rounds: o.rounds, TurnMS: float64(o.turn) / float64(time.Millisecond),
		Device: deviceMemory{b.Model().DeviceWeightBytes(), b.Model().NewDeviceScratch().Bytes()},
	}
}

// findRuntime loads onnxruntime. Where it was not asked for by name and is not there,
// there is none, and a note says why.
func findRuntime(named string) (*onnxruntime.Runtime, string, error) {
	library, err := onnxruntime.Find(named)
	if err == nil {
		var r *onnxruntime.Runtime
		if r, err = onnxruntime.Open(library); err == nil {
			return r, "", nil
		}
	}
	if named == "" && (errors.Is(err, onnxruntime.ErrNotFound) || errors.Is(err, onnxruntime.ErrNotBuilt)) {
		return nil, err.Error(), nil
	}
	return nil, "", err
}

func (r *kernelReport) text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, views: %d, weights: %s; %s, %s; one thread, one sample, %d rounds of %v ms each\n",
		r.Topology, r.Views, r.Weights, r.Platform, r.Go, r.Rounds, r.TurnMS)
	fmt.Fprintf(&out, "device: %d bytes of weights, %d of scratch, %d in all\n",
		r.Device.WeightBytes, r.Device.ScratchBytes, r.Device.WeightBytes+r.Device.ScratchBytes)
	for _, s := range r.Sections {
		out.WriteString(s.text(r.Onnxruntime))
	}
	if r.note != "" {
		fmt.Fprintf(&out, "\nnot timed: %s\n", r.note)
	}
	return out.String()
}

func (s *sectionTimings) text(version *string) string {
	t := section{title: s.Section + " section", names: []string{"", "best us", "median us", "allocations", "packed is faster by"}}
	row := func(name string, of *timing, faster string) {
		allocs := "not Go's"
		if of.Allocs != nil {
			allocs = fmt.Sprintf("%.3g", *of.Allocs)
		}
		t.add(name, fmt.Sprintf("%.2f", of.BestNS/1000), fmt.Sprintf("%.2f", of.MedianNS/1000), allocs, faster)
	}
	row("packed", s.Packed, "")
	row("naive Go float32", s.Naive, fmt.Sprintf("%.2f", s.OverNaive))
	if s.Onnxruntime != nil {
		row("onnxruntime "+*version+" float32", s.Onnxruntime, fmt.Sprintf("%.2f", *s.OverOnnxruntime))
	}
	return t.String()
}
