package topology

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sixCameras is the base of the paper's task: six views of cars, buses and
// persons.
func sixCameras() Base { return baseOf(6) }

func baseOf(views int) Base {
	b := Base{Classes: []string{"car", "bus", "person"}, Input: paperInput}
	for v := range views {
		b.Views = append(b.Views, fmt.Sprintf("view%d", v))
	}
	return b
}

func mustPreset(t testing.TB, name string, base Base) *Topology {
	t.Helper()
	top, err := Preset(name, base)
	if err != nil {
		t.Fatalf("Preset(%q): %v", name, err)
	}
	return top
}

// The presets are the deployments of figure 2 of the paper: this states what each
// has, by name and by alias, so that none changes unseen.
func TestPresetIsDeployment(t *testing.T) {
	tests := []struct {
		name, alias string
		views       int
		raw, shared bool
		exits       []Exit
		groups      [][]int
		cloudIn     Shape
		elastic     bool
	}{
		{"a", "cloud-only", 6, true, false, []Exit{ExitCloud}, OneGroup(6), Shape{24, 16, 16}, false},
		{"b", "device-cloud", 1, false, false, []Exit{ExitLocal, ExitCloud}, OneGroup(1), Shape{4, 16, 16}, false},
		{"c", "devices-cloud", 6, false, false, []Exit{ExitLocal, ExitCloud}, OneGroup(6), Shape{24, 16, 16}, false},
		{"d", "device-edge-cloud", 1, false, false, []Exit{ExitLocal, ExitEdge, ExitCloud}, OneGroup(1), Shape{16, 8, 8}, false},
		{"e", "devices-edge-cloud", 6, false, false, []Exit{ExitLocal, ExitEdge, ExitCloud}, OneGroup(6), Shape{16, 8, 8}, false},
		{"f", "devices-edges-cloud", 6, false, false, []Exit{ExitLocal, ExitEdge, ExitCloud}, [][]int{{0, 1, 2}, {3, 4, 5}}, Shape{32, 8, 8}, false},
		{"elastic", "elastic", 6, false, true, []Exit{ExitLocal, ExitCloud}, OneGroup(6), Shape{4, 16, 16}, true},
	}
	if got, want := len(Presets()), len(tests); got != want {
		t.Fatalf("%d presets, want %d", got, want)
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			info := Presets()[i]
			if info.Name != tt.name || info.Alias != tt.alias || info.Summary == "" {
				t.Errorf("Presets()[%d] = %+v, want %s (%s) with a summary", i, info, tt.name, tt.alias)
			}
			top := mustPreset(t, tt.name, baseOf(tt.views))
			if diff := cmp.Diff(top, mustPreset(t, tt.alias, baseOf(tt.views))); diff != "" {
				t.Errorf("by name and by alias differ:\n%s", diff)
			}
			got := []any{top.Name, top.Device.Raw, top.Device.Shared, top.Exits(), top.Groups, top.CloudIn(), top.Elastic()}
			want := []any{tt.alias, tt.raw, tt.shared, tt.exits, tt.groups, tt.cloudIn, tt.elastic}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("name, raw, shared, exits, groups, cloud input, elastic (-want +got):\n%s", diff)
			}
		})
	}
}

// The default network is the one of section IV of the paper, to the number.
func TestDefaultPresetIsThePapers(t *testing.T) {
	want := &Topology{
		Name:     "devices-cloud",
		Views:    []string{"view0", "view1", "view2", "view3", "view4", "view5"},
		Classes:  []string{"car", "bus", "person"},
		Input:    Shape{Channels: 3, Rows: 32, Cols: 32},
		Presence: Nonzero,
		Groups:   [][]int{{0, 1, 2, 3, 4, 5}},
		Device:   Device{Layers: Binary, Blocks: []Block{{Filters: 4, Pool: Stride2}}},
		Local:    &Local{Scores: MP},
		Cloud: Cloud{
			Layers: Binary, Features: CC,
			Blocks: []Block{{Filters: 16, Pool: Stride1}, {Filters: 16, Pool: Stride1}},
		},
	}
	if diff := cmp.Diff(want, mustPreset(t, DefaultPreset, sixCameras())); diff != "" {
		t.Errorf("default preset (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, mustPreset(t, DefaultPreset, Base{Views: want.Views, Classes: want.Classes})); diff != "" {
		t.Errorf("without an input the paper's is taken (-want +got):\n%s", diff)
	}
}

// Every preset must fit every number of views that it is for, up to the limit.
func TestPresetByNumberOfViews(t *testing.T) {
	for _, info := range Presets() {
		for n := 1; n <= MaxViews; n++ {
			single := info.Name == "b" || info.Name == "d"
			refused := single && n != 1 || info.Name == "f" && n == 1
			top, err := Preset(info.Name, baseOf(n))
			if refused != (err != nil) {
				t.Errorf("Preset(%q) of %d views: error %v, want refused %v", info.Name, n, err, refused)
			}
			if err == nil && len(top.Views) != n {
				t.Errorf("Preset(%q) has %d views, want %d", info.Name, len(top.Views), n)
			}
		}
	}
	if diff := cmp.Diff([][]int{{0, 1, 2}, {3, 4}}, mustPreset(t, "f", baseOf(5)).Groups); diff != "" {
		t.Errorf("halves of five views (-want +got):\n%s", diff)
	}
}

// A refused preset must tell the way out.
func TestPresetRefused(t *testing.T) {
	tests := []struct {
		name, preset string
		base         Base
		want         string
	}{
		{"unknown", "z", sixCameras(), `there is no preset "z": use a, cloud-only, b, device-cloud`},
		{"misspelt", "elastik", sixCameras(), "did you mean elastic?"},
		{"empty name", "", sixCameras(), `there is no preset ""`},
		{"one device of six views", "b", sixCameras(), "device-cloud is for one view, there are 6: take one with --views N"},
		{"one device and edge of six views", "device-edge-cloud", sixCameras(), "--views N"},
		{"halves of one view", "f", baseOf(1), "take at least 2"},
		{"no views", "c", Base{Classes: []string{"a", "b"}}, "views: there are 0: name 1 to 64"},
		{"too many views", "c", baseOf(MaxViews + 1), "views: there are 65"},
		{"no classes", "c", Base{Views: []string{"v"}}, "classes: there are 0: name 2 to 256"},
		{"one class", "c", Base{Views: []string{"v"}, Classes: []string{"only"}}, "classes: there are 1"},
		{"small input", "c", Base{Views: []string{"v"}, Classes: []string{"a", "b"}, Input: Shape{3, 2, 32}}, "input.rows: 2 is out of range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top, err := Preset(tt.preset, tt.base)
			if err == nil || top != nil {
				t.Fatalf("Preset = %v, %v; want an error alone", top, err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want it to say %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has faults that follow from the first, want one line", err)
			}
		})
	}
}

// A preset must not share memory with its base: a topology is immutable.
func TestPresetCopiesBase(t *testing.T) {
	base := sixCameras()
	top := mustPreset(t, "c", base)
	base.Views[0], base.Classes[0] = "changed", "changed"
	if top.Views[0] != "view0" || top.Classes[0] != "car" {
		t.Errorf("names %q, %q changed with the base", top.Views[0], top.Classes[0])
	}
}
