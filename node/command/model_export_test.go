package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/safetensors"
)

// Whoever takes an export elsewhere needs to know what was written, and what goes in
// and out of it: in text and as JSON alike.
func TestModelExportONNX(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet")
	code, out, errs := invoke("model", "export", "--onnx", dir, "--json")
	var told exported
	if code != exitDone || json.Unmarshal([]byte(out), &told) != nil {
		t.Fatalf("exit code %d: %s %s", code, out, errs)
	}
	var names []string
	for _, m := range told.ONNX {
		names = append(names, filepath.Base(m.File))
		info, err := os.Stat(m.File)
		if err != nil || info.Size() != int64(m.Bytes) || len(m.Inputs) == 0 || len(m.Outputs) == 0 {
			t.Errorf("%s: %v, told %+v", m.File, err, m)
		}
	}
	want := []string{"network.onnx", "device0.onnx", "device1.onnx", "device2.onnx", "device3.onnx", "device4.onnx", "device5.onnx", "cloud.onnx"}
	if !slices.Equal(names, want) || told.Opset != 15 || told.Weights != nil {
		t.Errorf("wrote %v with the operators %d, want %v with 15", names, told.Opset, want)
	}
	code, text, _ := invoke("model", "export", "--onnx", dir)
	for _, want := range []string{
		"operator set 15", "pixels uint8 [batch, 6, 3, 32, 32]", "views bool [batch, 6]",
		"makes class int64 [batch]", filepath.Join(dir, "device5.onnx"), "input float32 [1, 3, 32, 32]",
	} {
		if code != exitDone || !strings.Contains(text, want) {
			t.Errorf("exit code %d, the text lacks %q:\n%s", code, want, text)
		}
	}
}

// Weights that went out and came back must be the same network, with the same
// thresholds, told by nothing but the file.
func TestModelRoundTrip(t *testing.T) {
	dir := t.TempDir()
	first, weights, second := filepath.Join(dir, "a.ganglion"), filepath.Join(dir, "a.safetensors"), filepath.Join(dir, "b.ganglion")
	path, b, _ := streetModel(t)
	if err := os.Rename(path, first); err != nil {
		t.Fatal(err)
	}
	code, out, errs := invoke("model", "export", first, "--safetensors", weights)
	if code != exitDone || !strings.Contains(out, "cloud.exit.linear.weight F32 [") {
		t.Fatalf("exit code %d: %s %s", code, out, errs)
	}
	code, out, errs = invoke("model", "import", "--weights", weights, "--out", second, "--json")
	var told imported
	if code != exitDone || json.Unmarshal([]byte(out), &told) != nil {
		t.Fatalf("exit code %d: %s %s", code, out, errs)
	}
	made, err := inference.ReadBundle(second)
	if err != nil {
		t.Fatal(err)
	}
	if told.ID != made.ID().String() || told.Bytes != len(made.File()) || told.Binarized == 0 || told.Zeros != 0 {
		t.Errorf("told %+v of bundle %s", told, made.ID())
	}
	of := func(b *inference.Bundle) []byte {
		f, err := safetensors.Export(b)
		if err != nil {
			t.Fatal(err)
		}
		delete(f.Metadata, safetensors.BundleKey)
		content, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	if !bytes.Equal(of(b), of(made)) {
		t.Error("the weights, the topology or the thresholds came back as others")
	}
	if !made.Provenance().GetSynthetic() {
		t.Error("the bundle no longer says that its data were rendered")
	}
}

// Without thresholds nothing exits early; with data they are chosen, and the preset
// learns from the data what it is for.
func TestModelImportCalibrates(t *testing.T) {
	dir := t.TempDir()
	weights, out := filepath.Join(dir, "a.safetensors"), filepath.Join(dir, "b.ganglion")
	_, b, set := streetModel(t)
	f, err := safetensors.Export(b)
	if err != nil {
		t.Fatal(err)
	}
	f.Metadata = nil // as PyTorch saves it
	content, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(weights, content, 0o600); err != nil {
		t.Fatal(err)
	}
	names := []string{"--views", strings.Join(set.Views, ","), "--classes", strings.Join(set.Classes, ","), "--input", "3x32x32"}
	code, text, errs := invoke(append([]string{"model", "import", "--topology", "c", "--weights", weights, "--out", out}, names...)...)
	if code != exitDone || !strings.Contains(text, "uncalibrated") || !strings.Contains(text, "next: ganglion calibrate") {
		t.Fatalf("exit code %d: %s %s", code, text, errs)
	}
	if made, err := inference.ReadBundle(out); err != nil || made.Thresholds().At(1, 6) != 0 || !strings.Contains(made.Provenance().GetData(), "a.safetensors") {
		t.Errorf("made %v, %v", made, err)
	}
	code, text, errs = invoke("model", "import", "--topology", "c", "--weights", weights, "--out", out, "--calibrate", smallStreet)
	if code != exitDone || !strings.Contains(text, "samples of street") {
		t.Fatalf("exit code %d: %s %s", code, text, errs)
	}
	made, err := inference.ReadBundle(out)
	if err != nil || !strings.Contains(made.CalibratedFor(), "samples of street") || !slices.Equal(made.Topology().Views, set.Views) {
		t.Errorf("made %v, %v", made, err)
	}
}

func TestModelExportAndImportFaults(t *testing.T) {
	dir := t.TempDir()
	text, weights, out := filepath.Join(dir, "text"), filepath.Join(dir, "street.safetensors"), filepath.Join(dir, "out.ganglion")
	if err := os.WriteFile(text, []byte("no weights at all, just a text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke("model", "export", "--safetensors", weights); code != exitDone {
		t.Fatal(errs)
	}
	bare := filepath.Join(dir, "bare.safetensors")
	content, err := new(safetensors.File).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bare, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"nothing to export", []string{"export"}, exitUsage, "--onnx FOLDER"},
		{"no such bundle", []string{"export", text + ".absent", "--onnx", dir}, exitFailed, "text.absent"},
		{"a file where a folder should be", []string{"export", "--onnx", text}, exitFailed, "make the folder"},
		{"no weights", []string{"import", "--out", out}, exitUsage, "--weights is missing"},
		{"no name for the bundle", []string{"import", "--weights", weights}, exitUsage, "--out is missing"},
		{"no safetensors", []string{"import", "--weights", text, "--out", out}, exitFailed, "not a safetensors file"},
		{"no topology", []string{"import", "--weights", bare, "--out", out}, exitUsage, "--topology is missing"},
		{"a preset that is none", []string{"import", "--topology", "g", "--weights", weights, "--out", out}, exitFailed, "no preset"},
		{"an input that is none", []string{"import", "--topology", "c", "--weights", weights, "--out", out, "--input", "3x32"}, exitUsage, "3x32x32"},
		{"another topology", []string{"import", "--topology", "elastic", "--weights", weights, "--out", out}, exitFailed, "do not fit the network"},
		{"names of other views than it has", []string{"import", "--weights", weights, "--out", out, "--views", "north,south"}, exitUsage, "6 views"},
		{"a size that it has itself", []string{"import", "--weights", weights, "--out", out, "--input", "3x32x32"}, exitUsage, "--input is for a --topology"},
		{"a folder that is not there", []string{"import", "--weights", weights, "--out", filepath.Join(dir, "a", "b")}, exitFailed, "write"},
	} {
		t.Run(row.name, func(t *testing.T) {
			code, told, errs := invoke(append([]string{"model"}, row.args...)...)
			if code != row.code || !strings.Contains(errs, row.want) || told != "" {
				t.Errorf("exit code %d, %q on standard error and %q on standard output; want %d with %q", code, errs, told, row.code, row.want)
			}
		})
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a fault left a bundle behind")
	}
	// Names that are given are the bundle's, though the file has others.
	code, _, errs := invoke("model", "import", "--weights", weights, "--out", out, "--classes", "a,b,c", "--views", "n,s,e,w,u,d")
	b, err := inference.ReadBundle(out)
	if code != exitDone || err != nil {
		t.Fatalf("exit code %d: %s, %v", code, errs, err)
	}
	if top := b.Topology(); !slices.Equal(top.Classes, []string{"a", "b", "c"}) || !slices.Equal(top.Views, []string{"n", "s", "e", "w", "u", "d"}) {
		t.Errorf("views %q, classes %q: want those that were given", top.Views, top.Classes)
	}
}
