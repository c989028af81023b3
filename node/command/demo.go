package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/node/demo"
)

// demoFlags are the flags of `ganglion demo`.
type demoFlags struct {
	data       dataFlags
	model      string
	topology   string
	all        bool
	nodes      int
	missing    []string
	rate       float64
	cloudDelay time.Duration
	keep       bool
	calm       bool
	json       bool
	logDir     string
}

// demoRate is how many samples a second a demo shows: all of the test frames of the street
// in ten seconds.
const demoRate = 20

func newDemoCommand() *cobra.Command {
	f := demoFlags{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a whole mesh on this machine: devices, aggregator, cloud, one network",
		Long: `Starts a mesh of real processes of this program on loopback: a device for each view
and two further nodes. They are given a token and nothing else: they find each other,
share the views out, elect an aggregator and a cloud, and answer the test frames of
the data together. Every answer is held against the network run in one process.

Then comes an act: a second run, of six seconds, in which two nodes are killed, a camera and
the aggregator. It shows who notices and takes over, and what becomes of the samples in
flight. --calm leaves it out, and so does --keep, which goes on without end.

Exit code 0: every sample was answered, none lost, all as in one process, bit for bit; and
in the act every sample was answered, none lost, each as one process answers from the views
that were left. With --json the last line of standard output is the result, as JSON, which
docs/chaos.md describes, and the story is told on standard error.`,
		Example: `  ganglion demo
  ganglion demo --topology e
  ganglion demo --missing 0,3
  ganglion demo --calm
  ganglion demo --keep
  ganglion demo --data six-cameras.npz --model six.ganglion --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.data.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "", "bundle to run; it is given to one node, the others fetch it (default: the embedded model of the street scene)")
	flags.StringVar(&f.topology, "topology", "", "train a network of this preset or YAML file quickly, and run that; it is kept for next time")
	flags.BoolVar(&f.all, "all", false, "take every sample, also of the data that the bundle was trained on")
	flags.IntVar(&f.nodes, "nodes", 0, "devices over which the views are spread; two further nodes come on top (default: one for each view)")
	flags.StringSliceVar(&f.missing, "missing", nil, "views without a device, by name or number from 0, such as 0,3: the mesh answers from the others")
	flags.Float64Var(&f.rate, "rate", demoRate, "samples a second")
	flags.DurationVar(&f.cloudDelay, "cloud-delay", 20*time.Millisecond, "added round trip to the cloud, as if it were far away")
	flags.BoolVar(&f.keep, "keep", false, "go on without end, for you to try things, until Ctrl-C; implies --calm")
	flags.BoolVar(&f.calm, "calm", false, "leave out the act at the end, in which a camera and the aggregator are killed and whose losses are failures too")
	flags.BoolVar(&f.json, "json", false, "print the result as JSON")
	flags.StringVar(&f.logDir, "log-dir", "", "keep the nodes' logs in this folder")
	return cmd
}

func (f *demoFlags) run(ctx context.Context, out, errs io.Writer) error {
	if f.model != "" && f.topology != "" {
		return usagef("--topology trains a model and --model gives one: use one of the two")
	}
	story := out
	if f.json {
		story = errs
	}
	text := newDemoText(story)
	ctx, hurry, stop := interruptible(ctx)
	defer stop()
	config, err := f.prepare(ctx, text, errs)
	if err != nil {
		return interrupted(ctx, err)
	}
	if err := config.Validate(); err != nil {
		return &usageError{err}
	}
	text.header(f, config)
	result, err := demo.Run(ctx, *config, text, hurry)
	text.end()
	if result != nil {
		text.result(result, config)
		if f.json {
			if err := json.NewEncoder(out).Encode(result); err != nil {
				return err
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		text.line("\nInterrupted: every process of the demo has ended.")
		return context.Canceled
	case err != nil:
		text.failed(err, keepsLogs)
		return err
	}
	return verdictOn(result)
}

// interrupted is the error of somebody who pressed Ctrl-C, if that is what happened.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Canceled
	}
	return err
}

// verdictOn is why a demo that came to its end did not succeed; nil: it did.
func verdictOn(r *demo.Result) error {
	switch {
	case r.Lost > 0 || r.Open > 0:
		return fmt.Errorf("demo: of %d samples %d are lost and %d are open", r.Due, r.Lost, r.Open)
	case r.Planned > 0 && r.Due != r.Planned:
		return fmt.Errorf("demo: %d samples were to come, %d were due", r.Planned, r.Due)
	case !r.Complete():
		return fmt.Errorf("demo: %d samples were due, %d verdicts came", r.Due, r.Samples)
	case r.Wrong > 0:
		return fmt.Errorf("demo: %d of %d verdicts are not what one process answers", r.Wrong, r.Samples)
	case r.Act != nil && (r.Act.Lost > 0 || r.Act.Open > 0):
		return fmt.Errorf("demo: in the act, of %d samples %d are lost and %d are open", r.Act.Due, r.Act.Lost, r.Act.Open)
	case r.Act != nil && !r.Act.Complete():
		return fmt.Errorf("demo: in the act, %d samples were due, %d verdicts came", r.Act.Due, r.Act.Samples)
	case r.Act != nil && r.Act.Wrong > 0:
		return fmt.Errorf("demo: in the act, %d of %d verdicts are not what one process answers", r.Act.Wrong, r.Act.Samples)
	case !r.AgreesWithEval:
		return fmt.Errorf("demo: %d of %d verdicts rest on less than their samples have", r.Differing, r.Samples)
	}
	return nil
}

// interruptible is a context that Ctrl-C ends, and a channel that is closed at the second
// one. It takes the place of the program's own handling, in which a second Ctrl-C ends the
// process at once: that would leave files behind.
func interruptible(ctx context.Context) (_ context.Context, hurry <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	wanted := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		wanted = append(wanted, syscall.SIGHUP)
	}
	signal.Notify(signals, wanted...)
	again, done := make(chan struct{}), make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-signals:
				cancel()
				if n == 1 {
					close(again)
				}
			case <-done:
				return
			}
		}
	})
	return ctx, again, func() {
		signal.Stop(signals)
		close(done)
		watching.Wait()
		cancel()
	}
}

// prepare finds or makes the model, reads the data and chooses the samples.
func (f *demoFlags) prepare(ctx context.Context, text *demoText, remarks io.Writer) (*demo.Config, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	embedded, err := builtin.Bundle()
	if err != nil {
		return nil, err
	}
	b, set, err := f.modelAndData(ctx, embedded, text)
	if err != nil {
		return nil, err
	}
	samples, split, err := partOf(evaluation.Test, b, set, f.all, remarks)
	if err != nil {
		return nil, err
	}
	c := &demo.Config{
		Program: program, Bundle: b, Publish: b.ID() != embedded.ID(), Set: set, Samples: samples, Split: split,
		Devices: f.nodes, Rate: f.rate, CloudDelay: f.cloudDelay, Keep: f.keep, Calm: f.calm || f.keep, LogDir: f.logDir,
	}
	if c.Missing, err = viewsNamed(b.Topology(), f.missing); err != nil {
		return nil, err
	}
	if c.Devices == 0 { // none, where all are missing: that is told as such
		c.Devices = len(b.Topology().Views) - len(c.Missing)
	}
	// What was chosen of the data, or rendered, the nodes get as a copy: once is enough.
	if _, missing := os.Stat(f.data.ref); missing == nil && len(f.data.views) == 0 && len(f.data.classes) == 0 {
		if c.Source, err = filepath.Abs(f.data.ref); err != nil {
			return nil, fmt.Errorf("find the data: %w", err)
		}
	}
	return c, nil
}

// viewsNamed is the views of a topology with these names, or numbers where no view has that
// name, ascending.
func viewsNamed(t *topology.Topology, refs []string) ([]int, error) {
	var views []int
	var unknown []string
	for _, ref := range refs {
		v := slices.Index(t.Views, ref)
		if number, err := strconv.Atoi(ref); v < 0 && err == nil && number < len(t.Views) {
			v = number
		}
		if v < 0 {
			unknown = append(unknown, ref)
		}
		views = append(views, v)
	}
	if len(unknown) > 0 {
		return nil, usagef("--missing %s: the model has no such view: name some of %s, or numbers from 0 to %d",
			strings.Join(unknown, ","), strings.Join(t.Views, ", "), len(t.Views)-1)
	}
	slices.Sort(views)
	return slices.Compact(views), nil
}

// modelAndData is the bundle that is run and the data that it answers.
func (f *demoFlags) modelAndData(ctx context.Context, embedded *inference.Bundle, text *demoText) (*inference.Bundle, *dataset.Set, error) {
	if f.topology == "" {
		b := embedded
		if f.model != "" {
			var err error
			if b, err = inference.ReadBundle(f.model); err != nil {
				return nil, nil, err
			}
		}
		set, err := f.data.openFor(b.Topology())
		return b, set, err
	}
	set, err := f.data.open(topology.Shape{})
	if err != nil {
		return nil, nil, err
	}
	t, err := topology.Open(f.topology, topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		return nil, nil, err
	}
	if set.Shape() != t.Input {
		if set, err = f.data.open(t.Input); err != nil {
			return nil, nil, err
		}
	}
	if err := t.Fits(len(set.Views), len(set.Classes), set.Shape()); err != nil {
		return nil, nil, err
	}
	if slices.Equal(topology.Format(t), topology.Format(embedded.Topology())) && slices.Equal(set.Hash[:], embedded.Provenance().GetDataHash()) {
		return embedded, set, nil // trained with more patience than there is here
	}
	b, err := f.train(ctx, t, set, text)
	return b, set, err
}

// train makes a network in some seconds, or finds the one that was made so before.
func (f *demoFlags) train(ctx context.Context, t *topology.Topology, set *dataset.Set, text *demoText) (*inference.Bundle, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = "" // without a home nothing is kept
	} else {
		cache = filepath.Join(cache, "ganglion")
	}
	b, kept, err := demo.Quick(ctx, t, set, cache, text.trained(t))
	text.end()
	if err != nil {
		return nil, err
	}
	text.schooled(b, kept)
	return b, nil
}
