package topology

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"ganglion/proto/modelpb"
)

// roundTrips are valid topologies of every make, with names that YAML would take
// for something else.
func roundTrips(t testing.TB) map[string]*Topology {
	t.Helper()
	tops := map[string]*Topology{"limits": wide()}
	for _, info := range Presets() {
		n := 6
		if info.Name == "b" || info.Name == "d" {
			n = 1
		}
		tops[info.Name] = mustPreset(t, info.Name, baseOf(n))
	}
	words := baseOf(0)
	words.Views = []string{"yes", "No", "null", "~", "true", "12", "1e3", "0x1f", "2026-01-01", "a: b", "a #b", "- a", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a`", "a, b", `"a"`, "'a'", "été", "狗 🐕", "<<", "?", "|", ">"}
	words.Classes = []string{"y", "n", ".inf", "=", "none", "on"}
	tops["words"] = mustPreset(t, "c", words)
	tops["mixed"] = &Topology{
		Name: "a mixed one", Views: ViewNames(3), Classes: []string{"a", "b"}, Input: Shape{4, 17, 5}, Presence: Always,
		Groups: [][]int{{1}, {0, 2}},
		Device: Device{Layers: Float, Shared: true, Blocks: []Block{{1, NoPool}, {3, Stride1}}},
		Local:  &Local{Scores: CC},
		Edge:   &Edge{Layers: Float, Features: AP, Blocks: []Block{{5, Stride2}}},
		Cloud:  Cloud{Layers: Float, Features: AP, Blocks: []Block{{7, NoPool}}},
	}
	return tops
}

// A topology must survive being written and read, whatever the data beside it.
func TestFormatRoundTrip(t *testing.T) {
	for name, want := range roundTrips(t) {
		t.Run(name, func(t *testing.T) {
			checkFormat(t, want)
		})
	}
}

func checkFormat(t *testing.T, want *Topology) {
	t.Helper()
	text := Format(want)
	for _, base := range []Base{{}, sixCameras()} {
		got, err := Parse("formatted.yaml", text, base)
		if err != nil {
			t.Fatalf("Parse of\n%s\n%v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s\nfrom\n%s", diff, text)
		}
	}
}

// The text is for people too: what `model inspect` prints must not change unseen.
func TestFormatText(t *testing.T) {
	const want = `name: devices-edges-cloud
views: [view0, view1, view2, view3, view4, view5]
classes: [car, bus, person]
input: {rows: 32, cols: 32, channels: 3}
presence: nonzero
groups: [[0, 1, 2], [3, 4, 5]]
device: {layers: binary, weights: separate, send: features, blocks: [{filters: 4, pool: 2}]}
local: {scores: MP}
edge: {layers: binary, features: CC, blocks: [{filters: 16, pool: 2}], exit: true}
cloud: {layers: binary, features: CC, blocks: [{filters: 16, pool: 1}, {filters: 16, pool: 1}]}
`
	if diff := cmp.Diff(want, string(Format(mustPreset(t, "f", sixCameras())))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The longest file of a valid topology must be one that Parse takes.
func TestFormatFitsFile(t *testing.T) {
	top := wide()
	for i := range top.Classes {
		top.Classes[i] = strings.Repeat(`"`, MaxName-2) + string(rune('a'+i/16)) + string(rune('a'+i%16))
	}
	for i := range top.Views {
		top.Views[i] = strings.Repeat(`"`, MaxName-2) + string(rune('a'+i/16)) + string(rune('a'+i%16))
	}
	top.Name = strings.Repeat(`"`, MaxName)
	checkFormat(t, top)
	if n := len(Format(top)); n > MaxFileBytes {
		t.Errorf("the file has %d bytes, more than %d", n, MaxFileBytes)
	}
}

func TestProtoRoundTrip(t *testing.T) {
	for name, want := range roundTrips(t) {
		t.Run(name, func(t *testing.T) {
			data, err := proto.Marshal(ToProto(want))
			if err != nil {
				t.Fatal(err)
			}
			var m modelpb.Topology
			if err := proto.Unmarshal(data, &m); err != nil {
				t.Fatal(err)
			}
			got, err := FromProto(&m)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A bundle's topology need not be trusted: each thing that it can say and must
// not is refused by its key, and nothing makes it panic.
func TestFromProtoRefuses(t *testing.T) {
	blocks := func(n int) []*modelpb.Block { return make([]*modelpb.Block, n) }
	tests := []struct {
		name   string
		change func(*modelpb.Topology)
		want   []string
	}{
		{"too many views", func(m *modelpb.Topology) { m.Views = make([]string, 1<<20) }, []string{"views: there are 1048576: give at most 64"}},
		{"too many classes", func(m *modelpb.Topology) { m.Classes = make([]string, 257) }, []string{"classes: there are 257"}},
		{"too many groups", func(m *modelpb.Topology) { m.Groups = make([]*modelpb.Group, 1<<20) }, []string{"groups: there are 1048576"}},
		{"too many views in a group", func(m *modelpb.Topology) { m.Groups[1].Views = make([]uint32, 1<<20) }, []string{"groups[1]: there are 1048576"}},
		{"too many device blocks", func(m *modelpb.Topology) { m.Device.Blocks = blocks(9) }, []string{"device.blocks: there are 9"}},
		{"too many edge blocks", func(m *modelpb.Topology) { m.Edge.Blocks = blocks(9) }, []string{"edge.blocks: there are 9"}},
		{"too many cloud blocks", func(m *modelpb.Topology) { m.Cloud.Blocks = blocks(9) }, []string{"cloud.blocks: there are 9"}},
		{"no device", func(m *modelpb.Topology) { m.Device = nil }, []string{"device.layers: value 0", "device.blocks: there are 0"}},
		{"no cloud", func(m *modelpb.Topology) { m.Cloud = nil }, []string{"cloud.layers: value 0", "cloud.features: value 0", "cloud.blocks: there are 0"}},
		{"no group", func(m *modelpb.Topology) { m.Groups = nil }, []string{"groups: there are 0"}},
		{"nil group", func(m *modelpb.Topology) { m.Groups = append(m.Groups, nil) }, []string{"groups[2]: has no view"}},
		{"nil block", func(m *modelpb.Topology) { m.Cloud.Blocks[1] = nil }, []string{"cloud.blocks[1].filters: 0 is out"}},
		{"view beyond an int", func(m *modelpb.Topology) { m.Groups[1].Views[2] = 1<<32 - 1 }, []string{"groups[1][2]: there is no view 2147483647", "groups: no group has view 5"}},
		{"filters beyond an int", func(m *modelpb.Topology) { m.Device.Blocks[0].Filters = 1<<32 - 1 }, []string{"device.blocks[0].filters: 2147483647"}},
		{"pool that wraps to 2", func(m *modelpb.Topology) { m.Device.Blocks[0].PoolStride = 258 }, []string{"device.blocks[0].pool: 255 is not a pool"}},
		{"rows beyond an int", func(m *modelpb.Topology) { m.Rows = 1 << 31 }, []string{"input.rows: 2147483647"}},
		{"no presence", func(m *modelpb.Topology) { m.Presence = 0 }, []string{"presence: value 0 where nonzero or always is meant"}},
		{"newer presence", func(m *modelpb.Topology) { m.Presence = 3 }, []string{"presence: value 3"}},
		{"presence that wraps to 1", func(m *modelpb.Topology) { m.Presence = 257 }, []string{"presence: value 257"}},
		{"negative layers", func(m *modelpb.Topology) { m.Edge.Layers = -1 << 31 }, []string{"edge.layers: value -2147483648"}},
		{"newer aggregator", func(m *modelpb.Topology) { m.LocalScores = 4 }, []string{"local.scores: value 4"}},
		{"no edge aggregator", func(m *modelpb.Topology) { m.Edge.Features = 0 }, []string{"edge.features: value 0"}},
		{"exit of no edge", func(m *modelpb.Topology) { m.Edge = nil }, []string{"edge.exit: no edge"}},
		{"aggregator of a device", func(m *modelpb.Topology) { m.Device.Features = 1 }, []string{"device.features: aggregates no features"}},
		{"raw views with the rest", func(m *modelpb.Topology) { m.DeviceRaw = true }, []string{"local: sends its views up", "edge: sends its views up"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := ToProto(mustPreset(t, "f", sixCameras()))
			tt.change(m)
			top, err := FromProto(m)
			if top != nil {
				t.Errorf("FromProto = %+v beside its error", top)
			}
			checkFaults(t, err, tt.want)
		})
	}
	_, err := FromProto(nil)
	checkFaults(t, err, []string{": the bundle has none"})
	if _, err := FromProto(&modelpb.Topology{}); err == nil {
		t.Error("an empty message is accepted")
	}
}
