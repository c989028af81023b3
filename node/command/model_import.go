package command

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/durable"
	"ganglion/inference/evaluation"
	"ganglion/inference/safetensors"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// importFlags are the flags of `ganglion model import`.
type importFlags struct {
	data     dataFlags // of --calibrate; its views and classes name those of the topology, too
	topology string
	weights  string
	out      string
	input    string
	json     bool
}

func newImportCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import --weights FILE --out FILE",
		Short: "Make a bundle of weights that were trained elsewhere",
		Long: `Takes the weights of a topology from a safetensors file, with the names and the
layouts of a PyTorch module that is built like the network: docs/import.md lists
them, and ` + "`model export --safetensors`" + ` writes a file that has them. Weights of binary
layers become their signs, +1 from 0 on. Whatever does not fit is told at once.

The topology is that of --topology, or the one that an exported file names. A preset
needs to know its views, classes and input: from --calibrate's data, from the file, or
from --views, --classes and --input.

Thresholds are chosen on the labelled data of --calibrate, which the network should not
have been trained on; without it they are those of the file. If it has none, nothing
exits early until ` + "`ganglion calibrate`" + ` has chosen some.`,
		Example: `  ganglion model import --topology c --weights six.safetensors --calibrate validation/ --out six.ganglion
  ganglion model import --topology corner.yaml --weights corner.safetensors --out corner.ganglion`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.weights, "weights", "", "safetensors file to take the weights from")
	flags.StringVar(&f.topology, "topology", "", "a preset (a to f of the paper, elastic) or a YAML file (default: what the weights' file names)")
	flags.StringVar(&f.out, "out", "", "bundle to write")
	flags.StringVar(&f.data.ref, "calibrate", "", `choose thresholds on this data set: an .npz file, a folder class/sample/view.png, or "street"`)
	flags.StringSliceVar(&f.data.views, "views", nil, "names of the views, in their order; of --calibrate's data, use these alone")
	flags.StringSliceVar(&f.data.classes, "classes", nil, "names of the classes, in the order of the scores")
	flags.StringVar(&f.input, "input", "", "channels, rows and columns of a view, as 3x32x32")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// imported is what `model import` tells.
type imported struct {
	Model      string               `json:"model"`
	ID         string               `json:"id"`
	Bytes      int                  `json:"bytes"`
	Topology   string               `json:"topology"`
	Views      []string             `json:"views"`
	Classes    []string             `json:"classes"`
	Binarized  int                  `json:"binarized"` // weights that became their signs
	Zeros      int                  `json:"zeros"`     // of those: exactly 0, which became +1
	Biases     []string             `json:"biases"`    // tensors that moved into the norm behind them
	Ignored    []string             `json:"ignored"`   // tensors without meaning here
	Thresholds map[string][]float64 `json:"thresholds"`
	Calibrated string               `json:"calibrated_for"`

	chosen bool   // thresholds, by this verb or before it
	choice string // of views and classes of the data, as flags
}

func (f *importFlags) run(out io.Writer) error {
	for _, needed := range [][2]string{{"weights", f.weights}, {"out", f.out}} {
		if needed[1] == "" {
			return usagef("--%s is missing", needed[0])
		}
	}
	file, err := safetensors.Read(f.weights)
	if err != nil {
		return err
	}
	t, set, err := f.open(file)
	if err != nil {
		return err
	}
	if err := durable.CheckWritable(f.out); err != nil {
		return err
	}
	im, err := safetensors.Import(t, file)
	if err != nil {
		return fmt.Errorf("import weights %s: %w", f.weights, err)
	}
	if im.Content.GetProvenance().GetData() == "" {
		im.Content.Provenance.Data = "not known (weights of " + clean(filepath.Base(f.weights)) + ")"
	}
	if set != nil {
		if im.Content.Calibration, err = calibration(im.Content, set); err != nil {
			return err
		}
	}
	b, err := inference.NewBundle(im.Content)
	if err != nil {
		return fmt.Errorf("import weights %s: %w", f.weights, err)
	}
	if err := b.Write(f.out); err != nil {
		return err
	}
	told := imported{
		Model: f.out, ID: b.ID().String(), Bytes: len(b.File()), Topology: t.Name, Views: t.Views, Classes: t.Classes,
		Binarized: im.Binarized, Zeros: im.Zeros, Biases: im.Biases, Ignored: im.Ignored,
		Thresholds: thresholdTable(b), Calibrated: b.CalibratedFor(), chosen: set != nil || im.Calibrated || len(t.Exits()) == 1,
	}
	if f.data.ref != "" { // else they name what is in the topology, not in any data
		told.choice = f.data.choice()
	}
	if f.json {
		return json.NewEncoder(out).Encode(told)
	}
	_, err = io.WriteString(out, told.text(t.Exits()))
	return err
}

// open is the topology that the weights are for, and the data to calibrate on; nil:
// there are none.
func (f *importFlags) open(file *safetensors.File) (*topology.Topology, *dataset.Set, error) {
	t, err := file.Topology()
	if err != nil {
		return nil, nil, err
	}
	if f.topology == "" && t == nil {
		return nil, nil, usagef("--topology is missing, and %s names none: give a preset or a YAML file", f.weights)
	}
	if f.topology != "" {
		base, err := f.base(t)
		if err != nil {
			return nil, nil, err
		}
		if t, err = topology.Open(f.topology, base); err != nil {
			return nil, nil, err
		}
	} else if t, err = f.renamed(t); err != nil {
		return nil, nil, err
	}
	if f.data.ref == "" {
		return t, nil, nil
	}
	set, err := f.data.openFor(t)
	return t, set, err
}

// renamed is the topology of the weights' file with the names that the flags give.
func (f *importFlags) renamed(t *topology.Topology) (*topology.Topology, error) {
	if f.input != "" {
		return nil, usagef("--input is for a --topology: %s names its own, of views of %s", f.weights, t.Input)
	}
	named := *t
	if len(f.data.views) > 0 && f.data.ref == "" { // else they choose from the data
		named.Views = f.data.views
	}
	if len(f.data.classes) > 0 {
		named.Classes = f.data.classes
	}
	if len(named.Views) != len(t.Views) || len(named.Classes) != len(t.Classes) {
		return nil, usagef("%s has a network of %d views and %d classes, and --views and --classes name %d and %d",
			f.weights, len(t.Views), len(t.Classes), len(named.Views), len(named.Classes))
	}
	return &named, named.Validate()
}

// base is what is known of the views, the classes and the input: first what the flags
// say, then what the data has, then what the file does (nil: nothing).
func (f *importFlags) base(told *topology.Topology) (topology.Base, error) {
	var base topology.Base
	if told != nil {
		base = topology.Base{Views: told.Views, Classes: told.Classes, Input: told.Input}
	}
	if f.data.ref != "" {
		set, err := f.data.open(topology.Shape{})
		if err != nil {
			return base, err
		}
		base = topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()}
	}
	if len(f.data.views) > 0 && f.data.ref == "" {
		base.Views = f.data.views
	}
	if len(f.data.classes) > 0 {
		base.Classes = f.data.classes
	}
	if f.input == "" {
		return base, nil
	}
	parts := strings.Split(f.input, "x")
	var sizes []int
	for _, p := range parts {
		n, err := strconv.Atoi(strings.TrimSpace(p))
		if err == nil {
			sizes = append(sizes, n)
		}
	}
	if len(sizes) != 3 || len(parts) != 3 {
		return base, usagef("--input %q is not a size: write it as 3x32x32, channels first", f.input)
	}
	base.Input = topology.Shape{Channels: sizes[0], Rows: sizes[1], Cols: sizes[2]}
	return base, nil
}

// calibration is thresholds for the content of a bundle, chosen on every sample of a
// set as training does.
func calibration(content *modelpb.Bundle, set *dataset.Set) (*modelpb.Calibration, error) {
	b, err := inference.NewBundle(content)
	if err != nil {
		return nil, fmt.Errorf("check the imported network: %w", err)
	}
	policy := evaluation.Policy{Goal: evaluation.Careful}
	thresholds, outcome, err := evaluation.Calibrate(b.Model(), set, evaluation.Every(set), policy)
	if err != nil {
		return nil, err
	}
	made, err := b.WithThresholds(thresholds, fmt.Sprintf("%v, on %d samples of %s", policy, outcome.Samples, set.Name))
	if err != nil {
		return nil, fmt.Errorf("calibrate thresholds: %w", err)
	}
	return made.Content().GetCalibration(), nil
}

// text is what was made, for people.
func (im *imported) text(exits []topology.Exit) string {
	var out strings.Builder
	fmt.Fprintf(&out, "network     %s, views %s, classes %s\n", im.Topology, strings.Join(im.Views, ", "), strings.Join(im.Classes, ", "))
	fmt.Fprintf(&out, "weights     %d became their signs", im.Binarized)
	if im.Zeros > 0 {
		fmt.Fprintf(&out, ", +1 for the %d that were exactly 0", im.Zeros)
	}
	out.WriteString("\n")
	if len(im.Biases) > 0 {
		fmt.Fprintf(&out, "biases      %d moved into the mean of the norm behind them\n", len(im.Biases))
	}
	if len(im.Ignored) > 0 {
		fmt.Fprintf(&out, "left out    %d counters of PyTorch's norms\n", len(im.Ignored))
	}
	for _, exit := range exits {
		if values := im.Thresholds[exit.String()]; values != nil {
			fmt.Fprintf(&out, "threshold   %s exit, by views seen: %s\n", exit, joinThresholds(values))
		}
	}
	fmt.Fprintf(&out, "calibrated  %s\n", clean(im.Calibrated))
	fmt.Fprintf(&out, "wrote %s (%d bytes, %s)\n", im.Model, im.Bytes, shortID(im.ID))
	if im.chosen {
		fmt.Fprintf(&out, "next: ganglion eval --model %s --data DATA%s # that it was not trained on\n", quoted(im.Model), im.choice)
	} else {
		fmt.Fprintf(&out, "next: ganglion calibrate --model %s --data DATA --out FILE # until then next to nothing exits early\n", quoted(im.Model))
	}
	return out.String()
}
