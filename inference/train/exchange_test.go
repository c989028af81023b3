package train

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/dataset"
)

// A view may only be lent by a training sample that sees something in it and has the
// same label there: anything else would teach a wrong answer, or what is kept for the test.
func TestDonorsShareTheLabelInTheView(t *testing.T) {
	set := &dataset.Set{
		Views: []string{"a", "b"}, Classes: []string{"x", "y"},
		ViewLabels: []int{
			0, 1,
			0, dataset.NotPresent,
			1, 1,
			0, 1, // in the test part
		},
	}
	l := &loader{set: set, donors: findDonors(set, []int{0, 1, 2}, []uint64{0b11, 0b01, 0b10, 0b11})}
	for _, row := range []struct {
		name         string
		sample, view int
		want         []int
	}{
		{"two share a label", 0, 0, []int{0, 1}},
		{"in another view, others", 0, 1, []int{0, 2}},
		{"without a label nobody lends", 1, 1, nil},
		{"who sees nothing lends nothing", 2, 0, nil},
	} {
		if diff := cmp.Diff(row.want, l.donorsOf(row.sample, row.view)); diff != "" {
			t.Errorf("%s (-want +got): %s", row.name, diff)
		}
	}
}
