package evaluation

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/proto/modelpb"
)

// Test frames must never be mixed with others on the bundle's own data, and frames
// of other data mean nothing.
func TestRemembered(t *testing.T) {
	top := paperTopology(t, "c", 3)
	set := scene(t, top)
	bundle := func(p *modelpb.Provenance) *inference.Bundle {
		content := untrained(t, top).Content()
		content.Provenance = p
		b, err := inference.NewBundle(content)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	own := &modelpb.Provenance{DataHash: set.Hash[:], TestFrames: "3-5,9", ValidationFrames: "20"}
	tests := []struct {
		name  string
		from  *modelpb.Provenance
		part  Part
		want  []int
		found bool
	}{
		{"test", own, Test, []int{3, 4, 5, 9}, true},
		{"validation", own, Validation, []int{20}, true},
		{"other data", &modelpb.Provenance{DataHash: make([]byte, 32), TestFrames: "3-5"}, Test, Every(set), false},
		{"no frames", &modelpb.Provenance{DataHash: set.Hash[:]}, Test, Every(set), false},
		{"no provenance", nil, Test, Every(set), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, found, err := Remembered(bundle(tt.from), set, tt.part)
			if err != nil || found != tt.found {
				t.Errorf("found %v, error %v; want %v", found, err, tt.found)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
	for _, frames := range []string{"9-3", "500-600"} {
		broken := &modelpb.Provenance{DataHash: set.Hash[:], TestFrames: frames}
		if _, _, err := Remembered(bundle(broken), set, Test); err == nil {
			t.Errorf("frames %s: no error, want one", frames)
		}
	}
}
