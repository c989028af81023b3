package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/durable"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
)

// calibrateFlags are the flags of `ganglion calibrate`.
type calibrateFlags struct {
	data     dataFlags
	model    string
	out      string
	all      bool
	json     bool
	accuracy float64
	maxBytes float64
	minLocal float64
	live     liveFlags
}

func newCalibrateCommand() *cobra.Command {
	var f calibrateFlags
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Choose the thresholds of a bundle's exits for a goal",
		Long: `Chooses the threshold T of every exit, by the number of views seen, on labelled
data, and writes a new bundle with them. The weights stay as they are.

On the data that the bundle was trained on it takes the validation frames that the
bundle remembers (--all: every sample); of any other data every sample.

With --live it changes a mesh that runs instead of a file: it chooses thresholds for
the bundle that the mesh uses, or takes those of --set, shows what they would have
done to the last samples, and makes them the mesh's. They come into force at one beat
for all its devices; every verdict says under which it was answered. Nothing is lost
by trying: --dry-run changes nothing, and setting what was there takes a change back.`,
		Example: `  ganglion calibrate --model six.ganglion --data six-cameras.npz --accuracy 0.97 --out fast.ganglion
  ganglion calibrate --model six.ganglion --data six-cameras.npz --max-bytes 40 --out small.ganglion
  ganglion calibrate --live --dry-run --set local=0.5
  ganglion calibrate --live --set local=0.3,0.4,0.5
  ganglion calibrate --live --data six-cameras.npz --accuracy 0.97
  ganglion calibrate --live --reset`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			policy, err := f.policy(cmd)
			if err != nil {
				return err
			}
			if f.live.on {
				return f.runLive(cmd, policy)
			}
			return f.run(policy, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.data.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "", "bundle to calibrate (default: the embedded model of the street scene)")
	flags.StringVar(&f.out, "out", "", "file of the new bundle")
	flags.BoolVar(&f.all, "all", false, "take every sample, also of the data that the bundle was trained on")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.Float64Var(&f.accuracy, "accuracy", 0, "exit as early as an accuracy of at least this allows, 0 to 1")
	flags.Float64Var(&f.maxBytes, "max-bytes", 0, "the best accuracy within so many payload bytes per seen view")
	f.live.add(cmd)
	flags.Float64Var(&f.minLocal, "min-local", 0, "the best accuracy with at least this share of samples answered locally, 0 to 1")
	return cmd
}

// policy is what the flags ask for; without one of the three, what training ends
// with.
func (f *calibrateFlags) policy(cmd *cobra.Command) (evaluation.Policy, error) {
	var policy evaluation.Policy
	given := ""
	for _, goal := range []struct {
		flag   string
		policy evaluation.Policy
	}{
		{"accuracy", evaluation.Policy{Goal: evaluation.MinAccuracy, Value: f.accuracy}},
		{"max-bytes", evaluation.Policy{Goal: evaluation.MaxBytes, Value: f.maxBytes}},
		{"min-local", evaluation.Policy{Goal: evaluation.MinLocal, Value: f.minLocal}},
	} {
		if !cmd.Flags().Changed(goal.flag) {
			continue
		}
		if given != "" {
			return policy, usagef("--%s and --%s are two goals: give one", given, goal.flag)
		}
		if err := goal.policy.Validate(); err != nil {
			return policy, usagef("--%s: %w", goal.flag, err)
		}
		given, policy = goal.flag, goal.policy
	}
	if err := f.live.check(cmd, given); err != nil || f.live.on {
		return policy, err
	}
	if f.out == "" {
		return policy, usagef("--out is missing: name the file of the new bundle")
	}
	return policy, nil
}

// calibrated is what `ganglion calibrate` tells.
type calibrated struct {
	Bundle  string                        `json:"bundle"` // ID of the new bundle
	Parent  string                        `json:"parent"` // ID of the bundle that it was made from
	Goal    string                        `json:"goal"`
	Data    string                        `json:"data"`
	Split   string                        `json:"split"`
	Samples int                           `json:"samples"` // with a label and a view
	Before  evaluation.Point              `json:"before"`
	After   evaluation.Point              `json:"after"`
	AllUp   evaluation.Point              `json:"all_up"` // with every threshold at 0
	Old     map[string]map[string]float64 `json:"thresholds_before"`
	New     map[string]map[string]float64 `json:"thresholds_after"`

	synthetic bool
}

func (f *calibrateFlags) run(policy evaluation.Policy, out, remarks io.Writer) error {
	b, err := openBundle(f.model)
	if err != nil {
		return err
	}
	if err := durable.CheckWritable(f.out); err != nil {
		return err
	}
	c, err := f.choose(b, policy, remarks)
	if err != nil {
		return err
	}
	made, err := b.WithThresholds(c.thresholds, c.how)
	if err != nil {
		return fmt.Errorf("make bundle: %w", err)
	}
	if err := made.Write(f.out); err != nil {
		return err
	}
	told := calibrated{
		Bundle: made.ID().String(), Parent: b.ID().String(), Goal: policy.String(),
		Data: c.set.Name, Split: c.split, Samples: c.outcome.Samples,
		Before: c.before, After: c.outcome.At, AllUp: c.outcome.AllUp,
		Old: namedThresholds(b), New: namedThresholds(made), synthetic: c.set.Synthetic,
	}
	if f.json {
		return json.NewEncoder(out).Encode(told)
	}
	_, err = io.WriteString(out, told.text(b.Topology().Exits(), len(b.Topology().Views)))
	return err
}

// choice is thresholds that were chosen on labelled data.
type choice struct {
	thresholds inference.Thresholds
	how        string
	set        *dataset.Set
	split      string
	outcome    evaluation.Outcome
	before     evaluation.Point // with the thresholds of the bundle
	samples    []int
}

// choose chooses thresholds for a bundle on the data that the flags name.
func (f *calibrateFlags) choose(b *inference.Bundle, policy evaluation.Policy, remarks io.Writer) (c choice, err error) {
	if c.set, err = f.data.openFor(b.Topology()); err != nil {
		return c, err
	}
	if c.samples, c.split, err = partOf(evaluation.Validation, b, c.set, f.all, remarks); err != nil {
		return c, err
	}
	if c.thresholds, c.outcome, err = evaluation.Calibrate(b.Model(), c.set, c.samples, policy); err != nil {
		return c, err
	}
	c.how = fmt.Sprintf("%v, on %d %s samples of %s", policy, c.outcome.Samples, c.split, c.set.Name)
	c.before, err = evaluation.At(b.Model(), c.set, c.samples, b.Thresholds())
	return c, err
}

func namedThresholds(b *inference.Bundle) map[string]map[string]float64 {
	return evaluation.ThresholdsByName(b.Topology(), b.Thresholds())
}

// text is the outcome for people.
func (c *calibrated) text(exits []topology.Exit, views int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "bundle    %s\nparent    %s\ngoal      %s\n", c.Bundle, c.Parent, c.Goal)
	fmt.Fprintf(&out, "data      %s%s, %s: %d with a label and a view\n", c.Data, syntheticText(c.synthetic), splitText(c.Split), c.Samples)
	s := section{title: "On these samples", names: []string{"", "before", "after", "all sent up"}}
	row := func(name string, write func(evaluation.Number) string, of func(evaluation.Point) evaluation.Number) {
		s.add(name, write(of(c.Before)), write(of(c.After)), write(of(c.AllUp)))
	}
	row("overall accuracy", percent, func(p evaluation.Point) evaluation.Number { return p.Overall })
	row("local exits", percent, func(p evaluation.Point) evaluation.Number { return p.LocalExit })
	if c.After.EdgeExit != nil {
		row("edge exits", percent, func(p evaluation.Point) evaluation.Number { return *p.EdgeExit })
	}
	row("bytes per seen view", byteCount, func(p evaluation.Point) evaluation.Number { return p.PayloadPerSeenView })
	for _, exit := range exits[:len(exits)-1] {
		for n := 1; n <= views; n++ {
			key := strconv.Itoa(n)
			s.add(fmt.Sprintf("T of %v, %d seen", exit, n), fmt.Sprintf("%.3f", c.Old[exit.String()][key]), fmt.Sprintf("%.3f", c.New[exit.String()][key]), "0.000")
		}
	}
	out.WriteString(s.String())
	return out.String()
}
