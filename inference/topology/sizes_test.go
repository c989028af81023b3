package topology

import (
	"math"
	"testing"
)

// The payload must be the paper's: the table of section IV-D, whose bytes follow
// from the formula of section III-E, c = 4|C| + (1-l) f o / 8.
func TestPayloadIsThePapers(t *testing.T) {
	top := mustPreset(t, DefaultPreset, sixCameras())
	tests := []struct {
		threshold, localPercent float64
		want                    float64 // bytes, rounded as in the paper
	}{
		{0.1, 0.00, 140},
		{0.3, 0.58, 139},
		{0.5, 1.75, 138},
		{0.6, 2.92, 136},
		{0.7, 22.81, 111},
		{0.8, 60.82, 62},
		{0.9, 83.04, 34},
		{1.0, 100.00, 12},
	}
	for _, tt := range tests {
		if got := math.Round(top.PayloadPerView(tt.localPercent / 100)); got != tt.want {
			t.Errorf("T = %v, %v %% local: %v bytes, want %v", tt.threshold, tt.localPercent, got, tt.want)
		}
	}
}

// Sizes on the wire, of section III-E of the paper and of the deployments that it
// does not cost.
func TestSizes(t *testing.T) {
	tests := []struct {
		name                         string
		preset                       string
		views                        int
		score, feature, raw, edge    int
		allLocal, halfLocal, noLocal float64
	}{
		{"paper", "c", 6, 12, 128, 3072, 0, 12, 76, 140},
		{"raw views go up, whatever the share", "a", 6, 12, 128, 3072, 0, 3072, 3072, 3072},
		{"one view aggregates on its device", "b", 1, 12, 128, 3072, 0, 0, 64, 128},
		{"one view and an edge", "d", 1, 12, 128, 3072, 128, 0, 64, 128},
		{"edge", "e", 6, 12, 128, 3072, 128, 12, 76, 140},
		{"two groups", "f", 6, 12, 128, 3072, 128, 12, 76, 140},
		{"two groups of one view", "f", 2, 12, 128, 3072, 128, 0, 64, 128},
		{"a group of two and one of one", "f", 3, 12, 128, 3072, 128, 8, 72, 136},
		{"elastic", "elastic", 6, 12, 128, 3072, 0, 12, 76, 140},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top := mustPreset(t, tt.preset, baseOf(tt.views))
			got := [...]int{top.ScoreBytes(), top.FeatureBytes(), top.RawBytes(), top.EdgeFeatureBytes()}
			if want := [...]int{tt.score, tt.feature, tt.raw, tt.edge}; got != want {
				t.Errorf("score, feature, raw, edge bytes %v, want %v", got, want)
			}
			payload := [...]float64{top.PayloadPerView(1), top.PayloadPerView(0.5), top.PayloadPerView(0)}
			if want := [...]float64{tt.allLocal, tt.halfLocal, tt.noLocal}; payload != want {
				t.Errorf("payload at all, half and none local %v, want %v", payload, want)
			}
		})
	}
}

// A map whose bits do not fill its last byte takes that byte too.
func TestFeatureBytesRoundUp(t *testing.T) {
	base := sixCameras()
	base.Input = Shape{Channels: 1, Rows: 5, Cols: 5}
	top := mustPreset(t, DefaultPreset, base)
	top.Device.Blocks = []Block{{Filters: 3, Pool: Stride2}} // 3 x 3 x 3 bits
	if got := top.FeatureBytes(); got != 4 {
		t.Errorf("27 bits take %d bytes, want 4", got)
	}
}

// Weight sizes by hand, because the limit of a bundle stands on them.
func TestWeightBytes(t *testing.T) {
	const (
		deviceConv = 4*3*9/8 + 1 + 4*normBytes    // 108 bits
		deviceExit = 3*1024/8 + 3*normBytes       // |C| x 4 x 16 x 16
		cloudConv1 = 16*24*9/8 + 16*normBytes     // six views of 4 channels
		cloudConv2 = 16*16*9/8 + 16*normBytes     //
		cloudExit  = 3*16*16*16/8 + 3*normBytes   // |C| x 16 x 16 x 16
		edgeConv   = 16*12*9/8 + 16*normBytes     // three views of 4 channels
		edgeExit   = 3*1024/8 + 3*normBytes       // |C| x 16 x 8 x 8
		cloudEdges = 16*32*9/8 + 16*normBytes     // two groups of 16 channels
		cloudExit8 = 3*16*8*8/8 + 3*normBytes     // |C| x 16 x 8 x 8
		cloudFirst = 16*4*9/8 + 16*normBytes      // 4 channels, aggregated
		cloudFloat = 4*(16*24*9) + 16*normBytes   //
		cloudFlot2 = 4*(16*16*9) + 16*normBytes   //
		cloudFlotX = 4*(3*16*16*16) + 3*normBytes //
	)
	float := func(top *Topology) { top.Cloud.Layers = Float }
	scoresCC := func(top *Topology) { top.Local.Scores = CC }
	tests := []struct {
		name, preset string
		change       func(*Topology)
		want         int64
	}{
		{"paper", "c", nil, 6*(deviceConv+deviceExit) + cloudConv1 + cloudConv2 + cloudExit},
		{"no local exit", "a", nil, 6*deviceConv + cloudConv1 + cloudConv2 + cloudExit},
		{"shared devices", "elastic", nil, deviceConv + deviceExit + cloudFirst + cloudConv2 + cloudExit},
		{"two edges", "f", nil, 6*(deviceConv+deviceExit) + 2*(edgeConv+edgeExit) + cloudEdges + cloudConv2 + cloudExit8},
		{"float cloud", "c", float, 6*(deviceConv+deviceExit) + cloudFloat + cloudFlot2 + cloudFlotX},
		{"dense over concatenated scores", "c", scoresCC, 6*(deviceConv+deviceExit) + 4*(3*18+3) + cloudConv1 + cloudConv2 + cloudExit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top := mustPreset(t, tt.preset, sixCameras())
			if tt.change != nil {
				tt.change(top)
			}
			if got := top.WeightBytes(); got != tt.want {
				t.Errorf("WeightBytes = %d, want %d", got, tt.want)
			}
		})
	}
}
