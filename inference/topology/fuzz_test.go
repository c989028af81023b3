package topology

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"ganglion/proto/modelpb"
)

// Whatever a file says, Parse must not panic, and what it accepts must be valid
// and the same topology again from its own text and from a bundle.
func FuzzParse(f *testing.F) {
	f.Add([]byte(everyKey))
	tops := roundTrips(f)
	for _, name := range slices.Sorted(maps.Keys(tops)) {
		f.Add(Format(tops[name]))
	}
	for _, text := range []string{
		"", "~", "- a", "preset: c\nlocal: none\nedge: {}", "preset: f\nviews: 64", "views: [a, \"\\u00e9\"]\ngroups: [[a], [1]]",
		"a: &a [*a]\nclasses: *a", "? {a: b}\n: c", "preset: !!str c\nname: !!binary aGk=", "<<: {preset: c}", "preset: c\n---\npreset: d",
		"input: {rows: 4, cols: 256}\ncloud: {blocks: [{filters: 1, pool: 2}, {filters: 1, pool: 2}]}", "%YAML 1.2\n---\npreset: c\n...",
		"preset: |\n  c", "name: \"\\x85\\u2028\"", "edge: {exit: !!bool x}", "views: 1_000", "\ufeffpreset: a",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		top, err := Parse("fuzz.yaml", data, sixCameras())
		if err != nil {
			if top != nil || err.Error() == "" {
				t.Errorf("Parse = %v, %q; want an error that says something, alone", top, err)
			}
			return
		}
		checkValid(t, top)
	})
}

// Whatever a bundle says, FromProto must not panic, and what it accepts must be
// valid and the same topology again.
func FuzzFromProto(f *testing.F) {
	tops := roundTrips(f)
	for _, name := range slices.Sorted(maps.Keys(tops)) {
		data, err := proto.Marshal(ToProto(tops[name]))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m modelpb.Topology
		if proto.Unmarshal(data, &m) != nil {
			return
		}
		top, err := FromProto(&m)
		if err != nil {
			return
		}
		checkValid(t, top)
	})
}

// checkValid checks what holds for every valid topology.
func checkValid(t *testing.T, top *Topology) {
	t.Helper()
	if err := top.Validate(); err != nil {
		t.Fatalf("what was accepted is not valid: %v", err)
	}
	checkFormat(t, top)
	again, err := FromProto(ToProto(top))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(top, again); diff != "" {
		t.Errorf("from its message (-want +got):\n%s", diff)
	}
	if n := top.CloudIn().Size(); n < 1 || n > MaxMap {
		t.Errorf("the cloud takes %d elements, want 1 to %d", n, MaxMap)
	}
	if p := top.PayloadPerView(0.5); !(p >= 0 && p <= float64(MaxWeightBytes)) {
		t.Errorf("payload %v", p)
	}
}
