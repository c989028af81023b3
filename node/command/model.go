package command

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"ganglion/inference"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
)

func newModelCommand() *cobra.Command {
	cmd := family("model", "Look at, check, hand out, widen, export and import model bundles",
		newInspectCommand(), newVerifyCommand(), newPublishCommand(), newFetchCommand(),
		newExportCommand(), newImportCommand(), newWidenCommand())
	cmd.Long = `A bundle is a trained network with its thresholds and where it is from, in one file
that is never changed: calibrating or widening it makes another. Its name is its hash.`
	cmd.Example = `  ganglion model inspect corner.ganglion
  ganglion model verify corner.ganglion
  ganglion model publish corner.ganglion`
	return cmd
}

// inspection is what `model inspect` tells of a bundle.
type inspection struct {
	ID         string               `json:"id"`
	Bytes      int                  `json:"bytes"`
	Topology   string               `json:"topology"` // as YAML that `train --topology` takes
	Thresholds map[string][]float64 `json:"thresholds"`
	Calibrated string               `json:"calibrated_for"`
	Device     deviceMemory         `json:"device"`
	Payload    payloadSizes         `json:"payload_bytes"`
	Provenance json.RawMessage      `json:"provenance"`
}

// deviceMemory is what one view costs a device.
type deviceMemory struct {
	WeightBytes  int `json:"weight_bytes"`
	ScratchBytes int `json:"scratch_bytes"`
}

// payloadSizes is what one seen view sends, in bytes; the most of any view. A view alone in its
// group sends no scores, and a device on which nothing runs sends the view itself, as features.
type payloadSizes struct {
	Scores   int `json:"scores"`
	Features int `json:"features"` // of a sample that goes up
	Raw      int `json:"raw"`      // the view as it is captured
}

func payloadOf(t *topology.Topology) payloadSizes {
	sizes := payloadSizes{Features: t.ViewSentUpBytes(), Raw: t.RawBytes()}
	for v := range t.Views {
		sizes.Scores = max(sizes.Scores, t.ViewScoreBytes(v))
	}
	return sizes
}

// text is a line about it.
func (p payloadSizes) text(t *topology.Topology) string {
	up := fmt.Sprintf("%d bytes of features where a sample goes up; raw it is %d", p.Features, p.Raw)
	if t.Device.Raw {
		up = fmt.Sprintf("itself, %d bytes: nothing runs on its device", p.Raw)
	}
	if p.Scores == 0 {
		return "sends " + up
	}
	return fmt.Sprintf("sends %d bytes of scores, %s", p.Scores, up)
}

func inspect(b *inference.Bundle) (inspection, error) {
	t := b.Topology()
	provenance, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(b.Provenance())
	if err != nil {
		return inspection{}, fmt.Errorf("print provenance: %w", err)
	}
	return inspection{
		ID: b.ID().String(), Bytes: len(b.File()), Topology: string(topology.Format(t)),
		Thresholds: thresholdTable(b), Calibrated: b.CalibratedFor(),
		Device:     deviceMemory{b.Model().DeviceWeightBytes(), b.Model().NewDeviceScratch().Bytes()},
		Payload:    payloadOf(t),
		Provenance: provenance,
	}, nil
}

func newInspectCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect [MODEL]",
		Short: "Show what is in a bundle: network, thresholds, sizes, provenance",
		Example: `  ganglion model inspect                    the built-in one
  ganglion model inspect corner.ganglion`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := openBundle(firstOf(args))
			if err != nil {
				return err
			}
			found, err := inspect(b)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(found)
			}
			return printInspection(cmd.OutOrStdout(), b, found)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printInspection(w io.Writer, b *inference.Bundle, found inspection) error {
	var text strings.Builder
	fmt.Fprintf(&text, "bundle      %s\nsize        %d bytes\n", found.ID, found.Bytes)
	fmt.Fprintf(&text, "device      %d bytes of weights, %d of scratch\n", found.Device.WeightBytes, found.Device.ScratchBytes)
	fmt.Fprintf(&text, "a view      %s\n", found.Payload.text(b.Topology()))
	for _, exit := range slices.Sorted(maps.Keys(found.Thresholds)) {
		fmt.Fprintf(&text, "threshold   %s exit, by views seen: %s\n", exit, joinThresholds(found.Thresholds[exit]))
	}
	fmt.Fprintf(&text, "calibrated  %s\n", clean(found.Calibrated))
	writeProvenance(&text, b)
	fmt.Fprintf(&text, "topology\n")
	for line := range strings.Lines(found.Topology) {
		fmt.Fprintf(&text, "  %s", line)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func joinThresholds(values []float64) string {
	var parts []string
	for _, v := range values {
		parts = append(parts, fmt.Sprintf("%.3g", v))
	}
	return strings.Join(parts, " ")
}

// writeProvenance writes what a bundle says of itself, which may be anything.
func writeProvenance(text *strings.Builder, b *inference.Bundle) {
	p := b.Provenance()
	line := func(name, format string, args ...any) {
		fmt.Fprintf(text, "%-12s%s\n", name, clean(fmt.Sprintf(format, args...)))
	}
	kind := ""
	if p.GetSynthetic() {
		kind = " (synthetic: rendered, not photographed)"
	}
	line("trained on", "%s%s", p.GetData(), kind)
	line("data hash", "%s", hex.EncodeToString(p.GetDataHash()))
	for _, split := range [][2]string{
		{"train", p.GetTrainFrames()}, {"validation", p.GetValidationFrames()}, {"test", p.GetTestFrames()},
	} {
		line("frames", "%s: %s", split[0], split[1])
	}
	line("training", "seed %d, best of %d epochs: %d, trainer %s", p.GetSeed(), p.GetEpochs(), p.GetBestEpoch(), p.GetTrainer())
	for _, name := range slices.Sorted(maps.Keys(p.GetSettings())) {
		line("setting", "%s = %s", name, p.GetSettings()[name])
	}
	for _, name := range slices.Sorted(maps.Keys(p.GetFigures())) {
		line("figure", "%s = %.4g (validation)", name, p.GetFigures()[name])
	}
	if len(p.GetParent()) > 0 {
		line("parent", "%s", hex.EncodeToString(p.GetParent()))
	}
}

// verification is what `model verify` tells of a bundle.
type verification struct {
	ID      string `json:"id"`
	Samples int    `json:"samples"` // random samples that both networks ran
	Bits    int    `json:"bits"`    // feature bits compared, all equal
	Scores  int    `json:"scores"`  // scores compared, all equal
}

func newVerifyCommand() *cobra.Command {
	var asJSON bool
	var samples int
	cmd := &cobra.Command{
		Use:   "verify [MODEL]",
		Short: "Check a bundle, and this machine's kernels on it",
		Example: `  ganglion model verify
  ganglion model verify corner.ganglion --samples 1000`,
		Long: `Checks a bundle's frame, checksum, format and shapes, then runs the packed
network and the plain float32 one on random samples with random views missing:
every feature bit and every score must be the same. Without a file, the embedded
model is checked.`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			if samples < 1 || samples > 100_000 {
				return usagef("--samples %d is not within 1 and 100000", samples)
			}
			b, err := openBundle(firstOf(args))
			if err != nil {
				return err
			}
			compared, err := reference.Compare(cmd.Context(), b, samples, 1)
			if err != nil {
				return fmt.Errorf("verify bundle %s: %w", b.ID().Short(), err)
			}
			v := verification{ID: b.ID().String(), Samples: samples, Bits: compared.Bits, Scores: compared.Scores}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "bundle %s is sound: on %d random samples, %d feature bits and %d scores equal the plain float network's\n",
				v.ID, v.Samples, v.Bits, v.Scores)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().IntVar(&samples, "samples", 100, "random samples to compare on")
	return cmd
}
