package reference

import (
	"fmt"
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// base is data of the paper's shape with n views.
func base(views int) topology.Base {
	b := topology.Base{Classes: []string{"car", "bus", "person"}, Input: topology.Shape{Channels: 3, Rows: 32, Cols: 32}}
	for v := range views {
		b.Views = append(b.Views, fmt.Sprintf("camera%d", v))
	}
	return b
}

// seal makes a bundle of an untrained network.
func seal(t *testing.T, top *topology.Topology, seed uint64) *inference.Bundle {
	t.Helper()
	b, err := inference.NewBundle(Random(top, seed))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The packed network is only worth having if it computes the paper's network: every
// deployment, aggregator and arithmetic must agree with the plain loops bit for bit.
func TestPackedEqualsPlain(t *testing.T) {
	type variant struct {
		name string
		yaml string
		base topology.Base
	}
	variants := []variant{
		{"a", "preset: a", base(6)},
		{"b", "preset: b", base(1)},
		{"c", "preset: c", base(6)},
		{"d", "preset: d", base(1)},
		{"e", "preset: e", base(6)},
		{"f", "preset: f", base(6)},
		{"elastic", "preset: elastic", base(4)},
		{"float device", "preset: c\ndevice: {layers: float, blocks: [{filters: 2, pool: 2}, {filters: 3, pool: 2}]}", base(2)},
		{"float cloud", "preset: c\ncloud: {layers: float, features: CC, blocks: [{filters: 4, pool: 1}, {filters: 3, pool: 2}]}", base(3)},
		{"float everywhere, averages", "preset: f\ndevice: {layers: float}\nlocal: {scores: AP}\nedge: {layers: float, features: AP}\ncloud: {layers: float, features: AP}", base(4)},
		{"odd shapes", "preset: c\ninput: {rows: 13, cols: 21, channels: 1}\ndevice: {blocks: [{filters: 5, pool: 0}, {filters: 7, pool: 2}]}\ncloud: {blocks: [{filters: 9, pool: 2}, {filters: 11, pool: 0}]}", topology.Base{Views: []string{"x", "y", "z"}, Classes: []string{"n", "m"}, Input: topology.Shape{Channels: 1, Rows: 13, Cols: 21}}},
	}
	for _, scores := range []string{"MP", "AP", "CC"} {
		for _, features := range []string{"MP", "AP", "CC"} {
			variants = append(variants, variant{
				scores + "-" + features, fmt.Sprintf("preset: c\nlocal: {scores: %s}\ncloud: {features: %s}", scores, features), base(5),
			})
		}
	}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			top, err := topology.Parse(v.name, []byte(v.yaml), v.base)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(2) {
				if got, err := Compare(t.Context(), seal(t, top, seed), 4, seed); err != nil || got.Bits == 0 || got.Scores == 0 {
					t.Errorf("seed %d: compared %+v: %v", seed, got, err)
				}
			}
		})
	}
}

// A comparison that cannot fail proves nothing: with one weight of the plain network
// turned, the two must be found to differ.
func TestCompareFindsOneTurnedWeight(t *testing.T) {
	top, err := topology.Preset("c", base(3))
	if err != nil {
		t.Fatal(err)
	}
	b := seal(t, top, 1)
	content := b.Content()
	content.Cloud.Exit.Weights.Binary[7] ^= 1 << 3
	c := comparison{
		network: Network{Topology: top, Content: content},
		model:   b.Model(), scratch: b.Model().NewScratch(), outputs: b.Model().NewDeviceOutputs(),
	}
	pixels := make([][]byte, 3)
	for v := range pixels {
		pixels[v] = make([]byte, top.Input.Size())
		for i := range pixels[v] {
			pixels[v][i] = byte(i*7 + v)
		}
	}
	if err := c.sample(pixels, 0b111); err == nil || !strings.Contains(err.Error(), "cloud exit") {
		t.Errorf("got %v, want a difference at the cloud exit", err)
	}
}
