package builtin

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/dataset"
)

var update = flag.Bool("update", false, "rewrite the golden run")

const golden = "testdata/golden.txt"

// The embedded model must be the one that was reviewed, and must answer the same on every
// architecture, to the last bit of its entropies and features. Rendering, preprocessing,
// every section and the exit rule are in this run.
func TestGoldenRun(t *testing.T) {
	b, err := Bundle()
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open("street:samples=24,seed=1", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "bundle %s\n", b.ID())
	model, scratch := b.Model(), b.Model().NewScratch()
	outputs := model.NewDeviceOutputs()
	pixels := make([][]byte, len(set.Views))
	for i := range set.Len() {
		features := sha256.New()
		for v := range pixels {
			pixels[v] = set.View(i, v)
		}
		model.Devices(outputs, pixels, scratch)
		for v := range pixels {
			if outputs.Seen>>v&1 == 1 {
				features.Write(outputs.View(v).Features)
			}
		}
		v := model.Answer(outputs, b.Topology().AllViews(), b.Thresholds(), scratch)
		fmt.Fprintf(&text, "sample %2d: label %d class %d exit %-5s seen %06b features %x entropies%s\n",
			i, set.Labels[i], v.Class, v.Exit, v.Seen, features.Sum(nil)[:6], entropies(v))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("(-want +got): %s", diff)
	}
}

// entropies are those of the exits that a sample met: readable, then as bits.
func entropies(v inference.Verdict) string {
	var text strings.Builder
	for _, p := range v.Proposals {
		fmt.Fprintf(&text, " %s %.4f %x", p.Exit, p.Entropy, math.Float64bits(p.Entropy))
	}
	return text.String()
}

// Everything that this model says is about a rendered scene; nobody may take it for more.
func TestModelSaysThatItIsSynthetic(t *testing.T) {
	b, err := Bundle()
	if err != nil {
		t.Fatal(err)
	}
	if p := b.Provenance(); !p.GetSynthetic() || p.GetData() != "street" || p.GetTestFrames() == "" || p.GetSeed() == 0 {
		t.Errorf("provenance is %v", p)
	}
}
