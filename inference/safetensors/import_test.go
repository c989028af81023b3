package safetensors_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"ganglion/inference"
	"ganglion/inference/reference"
	"ganglion/inference/safetensors"
	"ganglion/inference/topology"
)

// topologies have every kind of tensor: shared and separate devices, groups, dense
// layers, edges with and without an exit, binary and float sections.
var topologies = map[string]string{
	"paper":               "{preset: c, views: 6, classes: [a, b, c]}",
	"elastic":             "{preset: elastic, views: 3, classes: [a, b], input: {rows: 8, cols: 8}}",
	"cloud only":          "{preset: a, views: 2, classes: [a, b, c], input: {rows: 8, cols: 8}}",
	"edges":               "{preset: f, views: 4, classes: [a, b, c], input: {rows: 12, cols: 9}, local: {scores: CC}, edge: {features: CC}}",
	"edge without exit":   "{preset: d, views: 1, classes: [a, b], input: {rows: 9, cols: 14, channels: 1}, edge: {exit: false}}",
	"floats, many blocks": "{preset: e, views: 3, classes: [a, b, c, d], input: {rows: 12, cols: 12}, device: {layers: float, blocks: [{filters: 3}, {filters: 5, pool: 1}]}, cloud: {layers: float, features: AP}}",
}

func parse(t testing.TB, yaml string) *topology.Topology {
	t.Helper()
	topo, err := topology.Parse("test", []byte(yaml), topology.Base{})
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// sealed is a bundle of random weights, with thresholds that need every digit.
func sealed(t testing.TB, topo *topology.Topology) *inference.Bundle {
	t.Helper()
	content := reference.Random(topo, 7)
	for _, e := range content.GetCalibration().GetExits() {
		e.BySeen = []float64{1. / 3, 2. / 3}[:min(2, len(topo.Views))]
	}
	content.Calibration.How = "a test"
	b, err := inference.NewBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func exported(t testing.TB, b *inference.Bundle) *safetensors.File {
	t.Helper()
	f, err := safetensors.Export(b)
	if err != nil {
		t.Fatal(err)
	}
	content, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if f, err = safetensors.Decode(content); err != nil {
		t.Fatal(err)
	}
	return f
}

// What was exported must come back as it was, to the last bit of its weights, norms and
// thresholds, by way of the bytes of a file and without being told the topology.
func TestRoundTrip(t *testing.T) {
	for name, yaml := range topologies {
		t.Run(name, func(t *testing.T) {
			b := sealed(t, parse(t, yaml))
			f := exported(t, b)
			topo, err := f.Topology()
			if err != nil {
				t.Fatal(err)
			}
			im, err := safetensors.Import(topo, f)
			if err != nil {
				t.Fatal(err)
			}
			got, want := proto.CloneOf(im.Content), b.Content()
			got.Provenance, want.Provenance = nil, nil
			got.Format = want.Format
			if !proto.Equal(want, got) {
				t.Errorf("the content is another:\n%s", cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)))
			}
			if !im.Calibrated || im.Zeros != 0 || im.Biases != nil || im.Ignored != nil {
				t.Errorf("told: calibrated %t, %d zeros, biases %v, ignored %v", im.Calibrated, im.Zeros, im.Biases, im.Ignored)
			}
			if p := im.Content.GetProvenance(); p.GetData() != b.Provenance().GetData() || !p.GetSynthetic() || p.GetTrainer() != "imported" {
				t.Errorf("provenance is %v", p)
			}
			again, err := inference.NewBundle(im.Content)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(f.Tensors, exported(t, again).Tensors); diff != "" {
				t.Errorf("exported once more (-first +second):\n%s", diff)
			}
		})
	}
}

// The names are a promise to whoever has files: a golden list, for one network of each
// kind of tensor.
func TestNames(t *testing.T) {
	topo := parse(t, "{preset: d, views: 1, classes: [a, b], input: {rows: 8, cols: 8}, local: {scores: CC}, device: {blocks: [{filters: 3, pool: 2}]}, edge: {blocks: [{filters: 2, pool: 1}]}, cloud: {blocks: [{filters: 5}]}}")
	var got []string
	for _, tensor := range exported(t, sealed(t, topo)).Tensors {
		got = append(got, fmt.Sprintf("%s %s %v", tensor.Name, tensor.Type, tensor.Shape))
	}
	var want []string
	norm := func(name string, channels int) {
		for _, part := range []string{"weight", "bias", "running_mean", "running_var"} {
			want = append(want, fmt.Sprintf("%s.norm.%s F32 [%d]", name, part, channels))
		}
	}
	want = append(want, "devices.0.blocks.0.conv.weight F32 [3 3 3 3]")
	norm("devices.0.blocks.0", 3)
	want = append(want, "devices.0.exit.linear.weight F32 [2 48]")
	norm("devices.0.exit", 2)
	want = append(want, "locals.0.weight F32 [2 2]", "locals.0.bias F32 [2]", "edges.0.blocks.0.conv.weight F32 [2 3 3 3]")
	norm("edges.0.blocks.0", 2)
	want = append(want, "edges.0.exit.linear.weight F32 [2 32]")
	norm("edges.0.exit", 2)
	want = append(want, "cloud.blocks.0.conv.weight F32 [5 2 3 3]")
	norm("cloud.blocks.0", 5)
	want = append(want, "cloud.exit.linear.weight F32 [2 80]")
	norm("cloud.exit", 2)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Each type of the format that is read must give the values that it stands for: here
// those whose signs, exponents and fractions differ.
func TestTypes(t *testing.T) {
	topo := parse(t, topologies["elastic"])
	const name = "devices.0.blocks.0.norm.bias" // four values that stay as they are
	for _, test := range []struct {
		kind string
		data []byte
		want []float32
	}{
		{"F32", words(4, 0x3f800000, 0xc0490fdb, 0x80000000, 1), []float32{1, -math.Pi, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32}},
		{"F64", words(8, math.Float64bits(0.1), math.Float64bits(-3), 0, math.Float64bits(1e5)), []float32{0.1, -3, 0, 1e5}},
		{"F16", words(2, 0x3c00, 0xc000, 0x0001, 0x7bff), []float32{1, -2, 1. / (1 << 24), 65504}},
		{"BF16", words(2, 0x3f80, 0xc040, 0x0000, 0x4780), []float32{1, -3, 0, 65536}},
		{"I8", words(1, 1, 0xff, 0, 0x80), []float32{1, -1, 0, -128}},
		{"I16", words(2, 1, 0xffff, 0, 0x8000), []float32{1, -1, 0, -32768}},
		{"I32", words(4, 1, 0xffffffff, 0, 100_000), []float32{1, -1, 0, 1e5}},
		{"I64", words(8, 1, math.MaxUint64, 0, 100_000), []float32{1, -1, 0, 1e5}},
	} {
		t.Run(test.kind, func(t *testing.T) {
			f := exported(t, sealed(t, topo))
			*find(t, f, name) = safetensors.Tensor{Name: name, Type: test.kind, Shape: []int{4}, Data: test.data}
			im, err := safetensors.Import(topo, f)
			if err != nil {
				t.Fatal(err)
			}
			got := im.Content.GetDevices()[0].GetBlocks()[0].GetNorm().GetBeta()
			for i, v := range got {
				if math.Float32bits(v) != math.Float32bits(test.want[i]) {
					t.Errorf("value %d is %v, want %v", i, v, test.want[i])
				}
			}
		})
	}
}

// words are numbers of so many bytes, little-endian.
func words(size int, values ...uint64) []byte {
	var out []byte
	for _, v := range values {
		out = append(out, binary.LittleEndian.AppendUint64(nil, v)[:size]...)
	}
	return out
}

func find(t testing.TB, f *safetensors.File, name string) *safetensors.Tensor {
	t.Helper()
	i := slices.IndexFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == name })
	if i < 0 {
		t.Fatalf("no tensor %s", name)
	}
	return &f.Tensors[i]
}

// Every fault is told at once, with the way out: a person who brings a network should
// not have to try ten times.
func TestImportFaults(t *testing.T) {
	topo := parse(t, topologies["elastic"])
	nan := words(4, 0x7fc00000, 0, 0, 0)
	f := exported(t, sealed(t, topo))
	find(t, f, "cloud.blocks.1.conv.weight").Name = "cloud.block.1.conv.weight"
	find(t, f, "cloud.exit.norm.weight").Name = "model.cloud.exit.norm.weight"
	find(t, f, "devices.0.exit.norm.bias").Name = "zzz"
	find(t, f, "devices.0.blocks.0.conv.weight").Shape = []int{3, 4, 3, 3}
	find(t, f, "devices.0.blocks.0.norm.bias").Data = nan
	find(t, f, "devices.0.blocks.0.norm.running_var").Data = words(4, 0, 0, 0, 0xbf800000)
	linear := find(t, f, "cloud.exit.linear.weight")
	linear.Type, linear.Data = "U8", linear.Data[:len(linear.Data)/4]
	f.Tensors = append(f.Tensors, safetensors.Tensor{Name: "devices.1.blocks.0.conv.weight", Type: "F32", Shape: []int{0}},
		safetensors.Tensor{Name: "devices.1.blocks.0.conv.bias", Type: "F32", Shape: []int{0}},
		safetensors.Tensor{Name: "devices.0.blocks.0.conv.beight", Type: "F32", Shape: []int{0}})

	_, err := safetensors.Import(topo, f)
	var faults *safetensors.Error
	if !errors.As(err, &faults) {
		t.Fatalf("imported with %v", err)
	}
	for tensor, want := range map[string]string{
		"cloud.blocks.1.conv.weight":          "rename cloud.block.1.conv.weight",
		"cloud.exit.norm.weight":              "rename model.cloud.exit.norm.weight",
		"devices.0.exit.norm.bias":            "it is missing: the network has it with the shape [2]",
		"zzz":                                 "no such tensor",
		"devices.1.*":                         "nothing of that name", // two tensors, told once
		"devices.0.blocks.0.conv.beight":      "no such tensor",
		"devices.0.blocks.0.conv.weight":      "swap its first two axes",
		"devices.0.blocks.0.norm.bias":        "value 0 is NaN",
		"devices.0.blocks.0.norm.running_var": "value 3 is -1",
		"cloud.exit.linear.weight":            "save it as F32",
	} {
		i := slices.IndexFunc(faults.Faults, func(f safetensors.Fault) bool { return f.Tensor == tensor })
		if i < 0 || !strings.Contains(faults.Faults[i].Reason, want) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: no fault with %q", tensor, want)
		}
	}
	if len(faults.Faults) != 10 {
		t.Errorf("%d faults, want 10:\n%v", len(faults.Faults), err)
	}
}

// A file for quite another network, or saved from within another module, has one fault
// that a person can do something about, not a hundred.
func TestImportFaultsAreFew(t *testing.T) {
	elastic, paper := parse(t, topologies["elastic"]), parse(t, topologies["paper"])
	wrapped := exported(t, sealed(t, elastic))
	for i := range wrapped.Tensors {
		wrapped.Tensors[i].Name = "net.module." + wrapped.Tensors[i].Name
	}
	for _, test := range []struct {
		name string
		topo *topology.Topology
		file *safetensors.File
		want []string // tensors of faults
	}{
		{"too few devices", parse(t, "{preset: c, views: 3, classes: [a, b], input: {rows: 8, cols: 8}, cloud: {features: MP}}"), exported(t, sealed(t, elastic)), []string{"devices.1.*", "devices.2.*"}},
		{"too many devices", parse(t, "{preset: c, views: 2, classes: [a, b, c]}"), exported(t, sealed(t, paper)), []string{"cloud.blocks.0.conv.weight", "devices.2.*", "devices.3.*", "devices.4.*", "devices.5.*"}},
		{"a prefix", elastic, wrapped, []string{"net.module.*"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := safetensors.Import(test.topo, test.file)
			var faults *safetensors.Error
			if !errors.As(err, &faults) {
				t.Fatalf("imported with %v", err)
			}
			var got []string
			for _, f := range faults.Faults {
				got = append(got, f.Tensor)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// What a hostile file makes an error say is bounded.
func TestImportFaultsAreBounded(t *testing.T) {
	f := &safetensors.File{}
	for i := range 5000 {
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: fmt.Sprintf("devices.0.blocks.0.conv.weight%d", i), Type: "F32"})
	}
	_, err := safetensors.Import(parse(t, topologies["paper"]), f)
	if err == nil || strings.Count(err.Error(), "\n") > 40 || !strings.Contains(err.Error(), "more: correct these first") {
		t.Errorf("told: %v", err)
	}
}

// Thresholds and topology come from the same file as the weights, and are as foreign.
func TestImportRefusesMetadata(t *testing.T) {
	topo := parse(t, topologies["elastic"])
	for name, edit := range map[string]func(map[string]string){
		"thresholds that fall":      func(m map[string]string) { m[safetensors.ThresholdsKey] = `{"local":[0.5,0.4]}` },
		"thresholds above 1":        func(m map[string]string) { m[safetensors.ThresholdsKey] = `{"local":[1.5]}` },
		"thresholds of no exit":     func(m map[string]string) { m[safetensors.ThresholdsKey] = `{"local":[0.5],"lokal":[0.5]}` },
		"no thresholds of the exit": func(m map[string]string) { m[safetensors.ThresholdsKey] = `{}` },
		"thresholds that are none":  func(m map[string]string) { m[safetensors.ThresholdsKey] = `{"local":` },
	} {
		f := exported(t, sealed(t, topo))
		edit(f.Metadata)
		if im, err := safetensors.Import(topo, f); err == nil {
			t.Errorf("%s: imported %v", name, im.Content.GetCalibration())
		}
	}
	f := exported(t, sealed(t, topo))
	for _, text := range []string{"preset: [", strings.Repeat("#", topology.MaxFileBytes+1)} {
		f.Metadata[safetensors.TopologyKey] = text
		if _, err := f.Topology(); err == nil {
			t.Errorf("a topology of %.20q was read", text)
		}
	}
	delete(f.Metadata, safetensors.TopologyKey)
	if topo, err := f.Topology(); topo != nil || err != nil {
		t.Errorf("without a topology: %v, %v", topo, err)
	}
}

// Whatever a file holds, importing it ends in an error or in content that a bundle can
// be sealed of, or that sealing refuses: never in a panic.
func FuzzImport(f *testing.F) {
	topo := parse(f, "{preset: c, views: 1, classes: [a, b], input: {rows: 4, cols: 4, channels: 1}, device: {blocks: [{filters: 1, pool: 2}]}, cloud: {blocks: [{filters: 1}]}}")
	whole := exported(f, sealed(f, topo))
	content, err := whole.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	random := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		damaged := slices.Clone(content)
		damaged[random.IntN(len(damaged))] ^= 1 << random.IntN(8)
		f.Add(damaged)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := safetensors.Decode(content)
		if err != nil {
			return
		}
		if _, err := file.Topology(); err != nil {
			return
		}
		im, err := safetensors.Import(topo, file)
		if err != nil {
			if text := err.Error(); strings.Count(text, "\n") > 40 {
				t.Errorf("a text without end: %.200s", text)
			}
			return
		}
		if _, err := inference.NewBundle(im.Content); err != nil && !errors.Is(err, inference.ErrInconsistent) {
			t.Error(err)
		}
	})
}
