package inference_test

import (
	"crypto/sha256"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"ganglion/inference"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

func preset(t testing.TB, name string, views ...string) *topology.Topology {
	t.Helper()
	top, err := topology.Preset(name, topology.Base{Views: views, Classes: []string{"car", "bus", "person"}})
	if err != nil {
		t.Fatal(err)
	}
	return top
}

func seal(t testing.TB, content *modelpb.Bundle) *inference.Bundle {
	t.Helper()
	b, err := inference.NewBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A bundle is its bytes: what is written is read back whole, with the same identity.
func TestBundleRoundTrip(t *testing.T) {
	b := seal(t, reference.Random(preset(t, "f", "x", "y", "z", "w"), 1))
	path := filepath.Join(t.TempDir(), "m.ganglion")
	if err := b.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := inference.ReadBundle(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID() != b.ID() || !proto.Equal(got.Content(), b.Content()) {
		t.Errorf("read %s, want %s as it was written", got.ID(), b.ID())
	}
	if got.ID() != inference.BundleID(sha256.Sum256(b.File())) {
		t.Errorf("the ID %s is not the file's SHA-256", got.ID())
	}
}

// Thresholds change by making another bundle that remembers where it came from.
func TestWithThresholdsKeepsTheNetwork(t *testing.T) {
	b := seal(t, reference.Random(preset(t, "c", "x", "y"), 1))
	th, err := inference.NewThresholds(b.Topology(), map[topology.Exit][]float64{topology.ExitLocal: {0.25, 0.8}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.WithThresholds(th, "a test")
	if err != nil {
		t.Fatal(err)
	}
	parent := b.ID()
	if string(got.Provenance().GetParent()) != string(parent[:]) || got.ID() == b.ID() {
		t.Errorf("parent is %x, want %s", got.Provenance().GetParent(), b.ID())
	}
	if got.Thresholds().At(topology.ExitLocal, 2) != 0.8 || got.CalibratedFor() != "a test" {
		t.Errorf("thresholds are %v for %q", got.Thresholds().BySeen(topology.ExitLocal), got.CalibratedFor())
	}
	if !proto.Equal(got.Content().GetCloud(), b.Content().GetCloud()) {
		t.Error("the weights changed with the thresholds")
	}
}

// Every single bit that flips on a disk or a wire must be noticed, and every truncation.
func TestDamageIsNoticed(t *testing.T) {
	file := seal(t, reference.Random(preset(t, "c", "x", "y"), 1)).File()
	for bit := 0; bit < 8*len(file); bit += 7 {
		damaged := append([]byte(nil), file...)
		damaged[bit/8] ^= 1 << (bit % 8)
		if _, err := inference.DecodeBundle(damaged); !errors.Is(err, inference.ErrDamaged) && !errors.Is(err, inference.ErrNotBundle) {
			t.Fatalf("bit %d flipped: got %v", bit, err)
		}
	}
	for n := 0; n < len(file); n += 13 {
		if _, err := inference.DecodeBundle(file[:n]); !errors.Is(err, inference.ErrDamaged) && !errors.Is(err, inference.ErrNotBundle) {
			t.Fatalf("cut to %d bytes: got %v", n, err)
		}
	}
}

// frame puts a payload into a bundle file whose checksum is right: what a hostile or
// broken program writes.
func frame(payload []byte) []byte {
	sum := sha256.Sum256(payload)
	return append(append([]byte("ganglion"), sum[:]...), payload...)
}

// Content that lies about itself is refused with its fault, however sound its frame.
func TestLiesAreRefused(t *testing.T) {
	nan := float32(math.NaN())
	for _, row := range []struct {
		name   string
		change func(b *modelpb.Bundle)
		want   error
		reason string
	}{
		{"a newer format", func(b *modelpb.Bundle) { b.Format = 2 }, inference.ErrNewerFormat, "update ganglion"},
		{"no format", func(b *modelpb.Bundle) { b.Format = 0 }, inference.ErrInconsistent, "format 0"},
		{"no topology", func(b *modelpb.Bundle) { b.Topology = nil }, inference.ErrInconsistent, ""},
		{"a huge view", func(b *modelpb.Bundle) { b.Topology.Rows = 1 << 31 }, inference.ErrInconsistent, "rows"},
		{"a missing device", func(b *modelpb.Bundle) { b.Devices = b.Devices[:1] }, inference.ErrInconsistent, "1 device sections"},
		{"another filter count", func(b *modelpb.Bundle) { b.Topology.Device.Blocks[0].Filters = 5 }, inference.ErrInconsistent, "weights"},
		{"weights cut short", func(b *modelpb.Bundle) {
			w := b.Cloud.Blocks[0].Weights
			w.Binary = w.Binary[:3]
		}, inference.ErrInconsistent, "cloud section: block 0"},
		{"both encodings", func(b *modelpb.Bundle) { b.Cloud.Exit.Weights.Real = []float32{1} }, inference.ErrInconsistent, "cloud section: exit"},
		{"no exit", func(b *modelpb.Bundle) { b.Devices[1].Exit = nil }, inference.ErrInconsistent, "device section 1"},
		{"NaN in a norm", func(b *modelpb.Bundle) { b.Cloud.Blocks[1].Norm.Beta[0] = nan }, inference.ErrInconsistent, "beta of channel 0 is NaN"},
		{"a negative variance", func(b *modelpb.Bundle) { b.Cloud.Exit.Norm.Variance[2] = -1 }, inference.ErrInconsistent, "negative"},
		{"values that overflow", func(b *modelpb.Bundle) {
			b.Cloud.Exit.Norm.Gamma[0], b.Cloud.Exit.Norm.Variance[0] = 3e38, 0
		}, inference.ErrInconsistent, "cloud section: exit"},
		{"a dense layer too many", func(b *modelpb.Bundle) { b.Locals = []*modelpb.Dense{{}} }, inference.ErrInconsistent, "1 layers"},
		{"an edge too many", func(b *modelpb.Bundle) { b.Edges = []*modelpb.Section{{}} }, inference.ErrInconsistent, "1 edge"},
		{"no thresholds", func(b *modelpb.Bundle) { b.Calibration = nil }, inference.ErrInconsistent, "thresholds"},
		{"a threshold over 1", func(b *modelpb.Bundle) { b.Calibration.Exits[0].BySeen[0] = 2 }, inference.ErrInconsistent, "not in [0, 1]"},
		{"an unknown preprocessing", func(b *modelpb.Bundle) { b.Preprocessing = nil }, inference.ErrInconsistent, "preprocessing"},
	} {
		t.Run(row.name, func(t *testing.T) {
			content := seal(t, reference.Random(preset(t, "c", "x", "y"), 1)).Content()
			row.change(content)
			payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(content)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := inference.DecodeBundle(frame(payload)); !errors.Is(err, row.want) || !strings.Contains(err.Error(), row.reason) {
				t.Errorf("got %v, want %v with %q", err, row.want, row.reason)
			}
		})
	}
	payload := append(seal(t, reference.Random(preset(t, "c", "x"), 1)).File()[40:], 0xf8, 0x7f, 1) // field 2047
	if _, err := inference.DecodeBundle(frame(payload)); !errors.Is(err, inference.ErrInconsistent) {
		t.Errorf("an unknown field: got %v", err)
	}
}

// What a person gives by mistake gets an error that says what to give.
func TestReadBundleNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "picture.png")
	if err := os.WriteFile(path, []byte("\x89PNG\r\n\x1a\n and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + ".absent"} {
		if _, err := inference.ReadBundle(p); err == nil || !strings.Contains(err.Error(), p) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %q, want one line that names %s", err, p)
		}
	}
}

// Whatever bytes come, decoding ends in a bundle that runs or in an error: no panic, and
// no allocation that the input does not pay for.
func FuzzDecodeBundle(f *testing.F) {
	for _, name := range []string{"c", "f", "elastic"} {
		b := seal(f, reference.Random(preset(f, name, "x", "y"), 1))
		f.Add(b.File()[40:])
	}
	f.Add([]byte{8, 1})
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, err := inference.DecodeBundle(frame(payload))
		if err != nil {
			return
		}
		pixels := make([][]byte, len(b.Topology().Views))
		for v := range pixels {
			pixels[v] = make([]byte, b.Topology().Input.Size())
			pixels[v][0] = byte(v + 1)
		}
		verdict := b.Model().Classify(pixels, b.Thresholds(), b.Model().NewScratch())
		for _, p := range verdict.Proposals {
			if math.IsNaN(p.Entropy) || p.Entropy < 0 || p.Entropy > 1 {
				t.Fatalf("entropy %v", p.Entropy)
			}
		}
	})
}
