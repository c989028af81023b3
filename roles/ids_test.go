package roles

import (
	"slices"
	"strings"
	"testing"
)

// The text of a sample is what people copy between programs: each form must come
// back as it was written, and nothing else may be taken for one.
func TestParseSampleID(t *testing.T) {
	tests := []struct {
		name, text string
		want       SampleID
		ok         bool
	}{
		{"beat", "default/00000000000000ff/12", SampleID{Site: "default", Run: 255, Beat: 12}, true},
		{"first beat", "a/ffffffffffffffff/0", SampleID{Site: "a", Run: 1<<64 - 1}, true},
		{"request", "hall-2/0123456789abcdef", SampleID{Site: "hall-2", Request: 0x0123456789abcdef}, true},
		{"last beat", "a/0000000000000001/9007199254740991", SampleID{Site: "a", Run: 1, Beat: MaxBeat}, true},
		{"a beat too many", "a/0000000000000001/9007199254740992", SampleID{}, false},
		{"no site", "/0123456789abcdef", SampleID{}, false},
		{"run zero", "a/0000000000000000/1", SampleID{}, false},
		{"request zero", "a/0000000000000000", SampleID{}, false},
		{"short run", "a/ff/1", SampleID{}, false},
		{"capitals", "a/00000000000000FF/1", SampleID{}, false},
		{"leading zero", "a/00000000000000ff/01", SampleID{}, false},
		{"sign", "a/00000000000000ff/+1", SampleID{}, false},
		{"no beat", "a/00000000000000ff/", SampleID{}, false},
		{"more", "a/00000000000000ff/1/2", SampleID{}, false},
		{"space in the site", "a b/00000000000000ff/1", SampleID{}, false},
		{"a way up", "../00000000000000ff/1", SampleID{}, false},
		{"long site", strings.Repeat("a", MaxSiteBytes+1) + "/00000000000000ff/1", SampleID{}, false},
		{"empty", "", SampleID{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseSampleID(tt.text)
			if got != tt.want || (err == nil) != tt.ok {
				t.Fatalf("got %+v, %v; want %+v, ok %v", got, err, tt.want, tt.ok)
			}
			if tt.ok && got.String() != tt.text {
				t.Errorf("written again: %q, want %q", got.String(), tt.text)
			}
		})
	}
}

// Whatever is typed: no panic, and what is accepted is valid and canonical.
func FuzzParseSampleID(f *testing.F) {
	f.Add("default/00000000000000ff/12")
	f.Add("default/00000000000000ff")
	f.Add("a//")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseSampleID(text)
		if err != nil {
			return
		}
		if err := id.Validate(); err != nil {
			t.Errorf("accepted %q: %v", text, err)
		}
		if id.String() != text {
			t.Errorf("accepted %q, writes %q", text, id)
		}
	})
}

// Fencing rests on this order: by counter, then by claimant.
func TestEpochCompare(t *testing.T) {
	ascending := []Epoch{{}, {1, "a"}, {1, "b"}, {2, "a"}, {2, "ab"}, {10, "a"}}
	for i, e := range ascending {
		for j, f := range ascending {
			if got, want := e.Below(f), i < j; got != want {
				t.Errorf("%v below %v: %v, want %v", e, f, got, want)
			}
			if got, want := higher(e, f), ascending[max(i, j)]; got != want {
				t.Errorf("higher of %v and %v: %v, want %v", e, f, got, want)
			}
		}
		if next := e.Next("a"); !e.Below(next) {
			t.Errorf("%v: the next claim is %v, which is not above it", e, next)
		}
	}
}

// Counters and roles come in frames: what no peer makes is refused.
func TestValidateEpochAndRole(t *testing.T) {
	epochs := []struct {
		name  string
		epoch Epoch
		ok    bool
	}{
		{"none", Epoch{}, true},
		{"first", Epoch{1, "a"}, true},
		{"last", Epoch{MaxCounter, "a"}, true},
		{"beyond", Epoch{MaxCounter + 1, "a"}, false},
		{"nobody's", Epoch{1, ""}, false},
		{"without counter", Epoch{0, "a"}, false},
	}
	for _, tt := range epochs {
		if err := tt.epoch.Validate(); (err == nil) != tt.ok {
			t.Errorf("epoch %s: %v, want ok %v", tt.name, err, tt.ok)
		}
	}
	roles := []struct {
		name string
		role Role
		ok   bool
	}{
		{"cloud", CloudRole(), true},
		{"aggregator/hall/2", AggregatorOf("hall", 2), true},
		{"aggregator/hall/0", CoordinatorOf("hall", 1), true},
		{"coordinator/hall", CoordinatorOf("hall", 2), true},
		{"cloud", Role{Kind: CloudKind, Site: "hall"}, false},
		{"coordinator/hall", Role{Kind: CoordinatorKind, Site: "hall", Group: 1}, false},
		{"aggregator/hall/-1", AggregatorOf("hall", -1), false},
		{"aggregator//0", AggregatorOf("", 0), false},
		{"unknown(0)/hall", Role{Site: "hall"}, false},
	}
	for _, tt := range roles {
		if err := tt.role.Validate(); (err == nil) != tt.ok || tt.role.String() != tt.name {
			t.Errorf("role %s: %v, want %s, ok %v", tt.role, err, tt.name, tt.ok)
		}
	}
}

// Elections fill the cloud first, then aggregators, then coordinators: the fixed
// order that settles who "holds another role".
func TestRoleCompare(t *testing.T) {
	want := []Role{
		CloudRole(), AggregatorOf("a", 0), AggregatorOf("a", 1), AggregatorOf("b", 0),
		CoordinatorOf("a", 2), CoordinatorOf("b", 2),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Role.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
