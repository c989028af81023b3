package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/durable"
	"ganglion/inference/onnx"
	"ganglion/inference/safetensors"
)

// exportFlags are the flags of `ganglion model export`.
type exportFlags struct {
	onnx        string
	safetensors string
	json        bool
}

func newExportCommand() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export [MODEL]",
		Short: "Write a bundle's network as ONNX models, its weights as safetensors",
		Long: `--onnx writes a folder of ONNX models: network.onnx, the whole network with a mask
of the views that are there, aggregation and the exit rule; and each section by itself
(device0.onnx and so on, edge0.onnx, cloud.onnx), as the tiers run them.

--safetensors writes the weights, with the names and layouts that ` + "`model import`" + ` takes,
and the topology and the thresholds beside them. Binary weights are -1 and +1.

Without a file, the embedded model is exported. docs/import.md explains both.`,
		Example: `  ganglion model export corner.ganglion --onnx corner-onnx
  ganglion model export corner.ganglion --safetensors corner.safetensors`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.onnx == "" && f.safetensors == "" {
				return usagef("nothing to write: give --onnx FOLDER, --safetensors FILE or both")
			}
			b, err := openBundle(firstOf(args))
			if err != nil {
				return err
			}
			return f.run(b, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.onnx, "onnx", "", "folder to write ONNX models to; it is made if it is not there")
	flags.StringVar(&f.safetensors, "safetensors", "", "file to write the weights to")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// exported is what `model export` tells.
type exported struct {
	Bundle    string         `json:"bundle"` // ID
	Opset     int            `json:"opset,omitempty"`
	IRVersion int            `json:"ir_version,omitempty"`
	ONNX      []exportedONNX `json:"onnx,omitempty"`
	Weights   *exportedFile  `json:"safetensors,omitempty"`
}

// exportedONNX is one ONNX model.
type exportedONNX struct {
	File    string           `json:"file"`
	Bytes   int              `json:"bytes"`
	Inputs  []exportedTensor `json:"inputs"`
	Outputs []exportedTensor `json:"outputs"`
}

// exportedFile is the file of the weights.
type exportedFile struct {
	File    string           `json:"file"`
	Bytes   int              `json:"bytes"`
	Tensors []exportedTensor `json:"tensors"`
}

// exportedTensor is a tensor's name, type and axes; an axis of any length is "batch".
type exportedTensor struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Shape []any  `json:"shape"`
}

func (t exportedTensor) String() string {
	var axes []string
	for _, d := range t.Shape {
		axes = append(axes, fmt.Sprint(d))
	}
	return fmt.Sprintf("%s %s [%s]", t.Name, t.Type, strings.Join(axes, ", "))
}

func (f *exportFlags) run(b *inference.Bundle, out io.Writer) error {
	told := exported{Bundle: b.ID().String()}
	if f.onnx != "" {
		told.Opset, told.IRVersion = onnx.Opset, onnx.IRVersion
		if err := os.MkdirAll(f.onnx, 0o755); err != nil {
			return fmt.Errorf("make the folder of ONNX models: %w", err)
		}
		for _, m := range onnxModels(b) {
			m.told.File = filepath.Join(f.onnx, m.told.File)
			if err := durable.WriteFile(m.told.File, m.model, 0o644); err != nil {
				return err
			}
			told.ONNX = append(told.ONNX, m.told)
		}
	}
	if f.safetensors != "" {
		written, err := f.writeWeights(b)
		if err != nil {
			return err
		}
		told.Weights = written
	}
	if f.json {
		return json.NewEncoder(out).Encode(told)
	}
	_, err := io.WriteString(out, told.text())
	return err
}

// onnxModel is a model that is to be written.
type onnxModel struct {
	model []byte
	told  exportedONNX
}

// onnxModels are the whole network and each of its sections.
func onnxModels(b *inference.Bundle) []onnxModel {
	t := b.Topology()
	n := onnx.Network{Topology: t, Content: b.Content()}
	whole := n.Whole(b.Thresholds())
	models := []onnxModel{{whole.Model, exportedONNX{
		File: "network.onnx", Bytes: len(whole.Model),
		Inputs: onnxTensors(whole.Inputs...), Outputs: onnxTensors(whole.Outputs...),
	}}}
	add := func(name string, s *onnx.Section) {
		models = append(models, onnxModel{s.Model, exportedONNX{
			File: name + ".onnx", Bytes: len(s.Model), Inputs: onnxTensors(s.Input), Outputs: onnxTensors(s.Outputs...),
		}})
	}
	for i := range t.DeviceSections() {
		add(fmt.Sprintf("device%d", i), n.Device(i)) // section i is that of view i, or there is one
	}
	if t.Edge != nil {
		for g := range t.Groups {
			add(fmt.Sprintf("edge%d", g), n.Edge(g))
		}
	}
	add("cloud", n.Cloud())
	return models
}

func onnxTensors(tensors ...onnx.Tensor) []exportedTensor {
	var out []exportedTensor
	for _, t := range tensors {
		told := exportedTensor{Name: t.Name, Type: t.Type.String(), Shape: []any{}}
		for _, d := range t.Shape {
			if d == onnx.Batch {
				told.Shape = append(told.Shape, "batch")
			} else {
				told.Shape = append(told.Shape, d)
			}
		}
		out = append(out, told)
	}
	return out
}

func (f *exportFlags) writeWeights(b *inference.Bundle) (*exportedFile, error) {
	file, err := safetensors.Export(b)
	if err != nil {
		return nil, err
	}
	content, err := file.Encode()
	if err != nil {
		return nil, err
	}
	if err := durable.WriteFile(f.safetensors, content, 0o644); err != nil {
		return nil, err
	}
	told := &exportedFile{File: f.safetensors, Bytes: len(content)}
	for _, t := range file.Tensors {
		tensor := exportedTensor{Name: t.Name, Type: t.Type, Shape: []any{}}
		for _, d := range t.Shape {
			tensor.Shape = append(tensor.Shape, d)
		}
		told.Tensors = append(told.Tensors, tensor)
	}
	return told, nil
}

// text is what was written, for people.
func (e *exported) text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "bundle  %s\n", e.Bundle)
	if e.ONNX != nil {
		fmt.Fprintf(&out, "ONNX    operator set %d, IR version %d\n", e.Opset, e.IRVersion)
	}
	list := func(title string, tensors []exportedTensor) {
		for _, t := range tensors {
			fmt.Fprintf(&out, "  %-6s%s\n", title, t)
			title = ""
		}
	}
	for _, m := range e.ONNX {
		fmt.Fprintf(&out, "wrote %s (%s)\n", m.File, size(uint64(m.Bytes)))
		list("takes", m.Inputs)
		list("makes", m.Outputs)
	}
	if e.Weights != nil {
		fmt.Fprintf(&out, "wrote %s (%s, %d tensors)\n", e.Weights.File, size(uint64(e.Weights.Bytes)), len(e.Weights.Tensors))
		list("", e.Weights.Tensors)
	}
	return out.String()
}
