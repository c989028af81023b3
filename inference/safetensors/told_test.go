package safetensors_test

import (
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/reference"
	"ganglion/inference/safetensors"
)

// What a foreign file tells goes into a bundle and from there onto the terminals of a whole
// mesh: a text that moves cursors, or that has a megabyte, must not come in.
func TestImportRefusesWhatIsNoLine(t *testing.T) {
	topo := parse(t, topologies["elastic"])
	for _, key := range []string{safetensors.DataKey, safetensors.BundleKey, safetensors.CalibratedKey} {
		for _, tt := range []struct {
			name, text, want string
		}{
			{"a screen cleared", "photos\x1b[2J", "does not print"},
			{"two lines", "photos\nfigure 1", "does not print"},
			{"text from right to left", "photos\u202e", "does not print"},
			{"no UTF-8", "photos\xff", "does not print"},
			{"too long", strings.Repeat("x", safetensors.MaxTold+1), "257 bytes"},
			{"as long as may be", strings.Repeat("x", safetensors.MaxTold), ""},
			{"other scripts", "фото с улицы", ""},
		} {
			f := exported(t, sealed(t, topo))
			f.Metadata[key] = tt.text
			_, err := safetensors.Import(topo, f)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("%s, %s: %v", key, tt.name, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), key)):
				t.Errorf("%s, %s: error %v, want one of the key with %q", key, tt.name, err, tt.want)
			case err != nil && (len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\x1b\n")):
				t.Errorf("%s, %s: the error repeats it: %q", key, tt.name, err)
			}
		}
	}
}

// Bundles were sealed with whatever a file was called: what is exported of them must be what
// is imported.
func TestExportTellsWhatImportTakes(t *testing.T) {
	topo := parse(t, topologies["elastic"])
	content := reference.Random(topo, 7)
	content.Provenance.Data = "pho\ttos " + strings.Repeat("ä", 300)
	content.Calibration.How = "\x1b[2J"
	b, err := inference.NewBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	im, err := safetensors.Import(topo, exported(t, b))
	if err != nil {
		t.Fatal(err)
	}
	data := im.Content.GetProvenance().GetData()
	if !strings.HasPrefix(data, "pho?tos ä") || !strings.HasSuffix(data, "ä...") || len(data) > safetensors.MaxTold {
		t.Errorf("data %q", data)
	}
	if how := im.Content.GetCalibration().GetHow(); how != "?[2J" {
		t.Errorf("calibrated for %q", how)
	}
}
