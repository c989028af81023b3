package topology

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wide is a topology at every limit that the others allow.
func wide() *Topology {
	top := &Topology{
		Name:   strings.Repeat("n", MaxName),
		Views:  ViewNames(MaxViews),
		Input:  Shape{Channels: MaxChannels, Rows: MaxSide, Cols: MinSide},
		Groups: OneGroup(MaxViews),
		Device: Device{Blocks: []Block{{MaxFilters, Stride2}}},
		Local:  &Local{Scores: AP},
		Cloud:  Cloud{Features: CC},
	}
	for c := range MaxClasses {
		top.Classes = append(top.Classes, strings.Repeat("c", c%16)+string(rune('a'+c/16)))
	}
	for range MaxBlocks {
		top.Cloud.Blocks = append(top.Cloud.Blocks, Block{MaxFilters, Stride1})
	}
	return top
}

func TestValidateAcceptsLimits(t *testing.T) {
	if err := wide().Validate(); err != nil {
		t.Errorf("topology at its limits: %v", err)
	}
}

// Every rule of a topology, each by the one change that breaks it: a rule that no
// longer holds, and one that hides behind another, fail here.
func TestValidateRefuses(t *testing.T) {
	tests := []struct {
		name   string
		preset string
		change func(*Topology)
		want   []string // "path: part of the reason" of each fault
	}{
		{"empty name", "c", func(x *Topology) { x.Name = "" }, []string{"name: is empty"}},
		{"long name", "c", func(x *Topology) { x.Name = strings.Repeat("x", MaxName+1) }, []string{"name: has 65 bytes"}},
		{"name not UTF-8", "c", func(x *Topology) { x.Views[2] = "a\xff" }, []string{"views[2]: not UTF-8"}},
		{"name with a slash", "c", func(x *Topology) { x.Views[0] = "a/b" }, []string{"views[0]: no slash"}},
		{"name with a backslash", "c", func(x *Topology) { x.Classes[0] = `a\b` }, []string{"classes[0]: no slash"}},
		{"name of a parent folder", "c", func(x *Topology) { x.Classes[1] = ".." }, []string{"classes[1]: not . or .."}},
		{"name with a control character", "c", func(x *Topology) { x.Views[5] = "a\nb" }, []string{"views[5]: does not print"}},
		{"name with a byte order mark", "c", func(x *Topology) { x.Views[5] = "\ufeffa" }, []string{"views[5]: does not print"}},
		{"name with a space at its end", "c", func(x *Topology) { x.Classes[2] = "person " }, []string{"classes[2]: ends with a space"}},
		{"same name twice", "c", func(x *Topology) { x.Views[4] = "view1" }, []string{"views[4]: that of views[1]"}},
		{"empty names are not twice the same", "c", func(x *Topology) { x.Views[1], x.Views[2] = "", "" }, []string{"views[1]: is empty", "views[2]: is empty"}},
		{"no view", "c", func(x *Topology) { x.Views = nil }, []string{"views: there are 0"}},
		{"too many views", "c", func(x *Topology) { x.Views = ViewNames(65) }, []string{"views: there are 65"}},
		{"no class", "c", func(x *Topology) { x.Classes = nil }, []string{"classes: there are 0"}},
		{"one class, whose entropy is 0/0", "c", func(x *Topology) { x.Classes = x.Classes[:1] }, []string{"classes: there are 1"}},
		{"too many classes", "c", func(x *Topology) { x.Classes = ViewNames(257) }, []string{"classes: there are 257"}},
		{"no channel", "c", func(x *Topology) { x.Input.Channels = 0 }, []string{"input.channels: 0 is out of range: give 1 to 4"}},
		{"too many channels", "c", func(x *Topology) { x.Input.Channels = 5 }, []string{"input.channels: 5 is out"}},
		{"few rows", "c", func(x *Topology) { x.Input.Rows = 3 }, []string{"input.rows: 3 is out of range: give 4 to 256"}},
		{"negative columns", "c", func(x *Topology) { x.Input.Cols = math.MinInt }, []string{"input.cols: "}},
		{"many columns", "c", func(x *Topology) { x.Input.Cols = math.MaxInt }, []string{"input.cols: "}},
		{"presence", "c", func(x *Topology) { x.Presence = 2 }, []string{"presence: 2 is not a known value: use nonzero or always"}},
		{"no group", "c", func(x *Topology) { x.Groups = nil }, []string{"groups: there are 0"}},
		{"too many groups", "c", func(x *Topology) { x.Groups = make([][]int, 65) }, []string{"groups: there are 65"}},
		{"empty group", "f", func(x *Topology) { x.Groups = append(x.Groups, nil) }, []string{"groups[2]: has no view"}},
		{"huge group", "c", func(x *Topology) { x.Groups = append(x.Groups, make([]int, 65)) }, []string{"groups[1]: has 65 views"}},
		{"no such view", "c", func(x *Topology) { x.Groups[0][5] = 6 }, []string{"groups[0][5]: there is no view 6", "groups: no group has view 5"}},
		{"negative view", "c", func(x *Topology) { x.Groups[0][0] = -1 }, []string{"groups[0][0]: there is no view -1", "groups: no group has view 0"}},
		{"view in two groups", "f", func(x *Topology) { x.Groups[1] = []int{2, 3, 4, 5} }, []string{"groups[1][0]: view 2 is in groups[0] too"}},
		{"view twice in a group", "f", func(x *Topology) { x.Groups[1] = []int{3, 3, 4, 5} }, []string{"groups[1][1]: view 3 is in this group twice"}},
		{"views out of order", "f", func(x *Topology) { x.Groups[1] = []int{4, 3, 5} }, []string{"groups[1][1]: ascending order"}},
		{"views left out", "f", func(x *Topology) { x.Groups = [][]int{{0, 1}, {3, 5}} }, []string{"groups: no group has view 2, 4"}},
		{"device layers", "c", func(x *Topology) { x.Device.Layers = 2 }, []string{"device.layers: use binary or float"}},
		{"cloud layers", "c", func(x *Topology) { x.Cloud.Layers = 255 }, []string{"cloud.layers: 255"}},
		{"edge layers", "e", func(x *Topology) { x.Edge.Layers = 2 }, []string{"edge.layers: 2"}},
		{"score aggregator", "c", func(x *Topology) { x.Local.Scores = 3 }, []string{"local.scores: use MP, AP or CC"}},
		{"cloud aggregator", "c", func(x *Topology) { x.Cloud.Features = 3 }, []string{"cloud.features: 3"}},
		{"edge aggregator", "e", func(x *Topology) { x.Edge.Features = 3 }, []string{"edge.features: 3"}},
		{"no device block", "c", func(x *Topology) { x.Device.Blocks = nil }, []string{"device.blocks: there are 0 blocks: give 1 to 8"}},
		{"no edge block", "e", func(x *Topology) { x.Edge.Blocks = nil }, []string{"edge.blocks: there are 0"}},
		{"no cloud block", "c", func(x *Topology) { x.Cloud.Blocks = nil }, []string{"cloud.blocks: there are 0"}},
		{"too many blocks", "c", func(x *Topology) {
			x.Cloud.Blocks = wide().Cloud.Blocks
			x.Cloud.Blocks = append(x.Cloud.Blocks, Block{1, 1})
		}, []string{"cloud.blocks: there are 9"}},
		{"no filter", "c", func(x *Topology) { x.Device.Blocks[0].Filters = 0 }, []string{"device.blocks[0].filters: 0 is out of range: give 1 to 64"}},
		{"too many filters", "c", func(x *Topology) { x.Cloud.Blocks[1].Filters = 65 }, []string{"cloud.blocks[1].filters: 65"}},
		{"pool", "c", func(x *Topology) { x.Cloud.Blocks[0].Pool = 3 }, []string{"cloud.blocks[0].pool: 3 is not a pool"}},
		{"map halved below one pixel", "c", func(x *Topology) {
			x.Input.Rows, x.Input.Cols = 4, 4
			x.Cloud.Blocks = []Block{{16, Stride2}, {16, Stride2}}
		}, []string{"cloud.blocks[1].pool: a map of 1 x 1 cannot be halved"}},
		{"one side halved below one pixel", "e", func(x *Topology) {
			x.Input.Rows = 4
			x.Cloud.Blocks[0].Pool = Stride2
		}, []string{"cloud.blocks[0].pool: a map of 1 x 8"}},
		{"raw views with a local exit", "a", func(x *Topology) { x.Local = &Local{} }, []string{"local: sends its views up"}},
		{"raw views with an edge", "a", func(x *Topology) { x.Edge = newEdge() }, []string{"edge: sends its views up"}},
		{"huge map at the cloud", "c", func(x *Topology) {
			x.Views, x.Groups = ViewNames(64), OneGroup(64)
			x.Input.Rows, x.Input.Cols = 256, 256
			x.Device = Device{Shared: true, Blocks: []Block{{64, Stride1}}}
		}, []string{"cloud.features: the aggregated map of 4096 x 256 x 256"}},
		{"huge map at an edge", "e", func(x *Topology) {
			x.Views, x.Groups = ViewNames(64), OneGroup(64)
			x.Input.Rows, x.Input.Cols = 256, 256
			x.Device = Device{Shared: true, Blocks: []Block{{64, Stride1}}}
			x.Edge.Blocks[0].Pool = Stride2
		}, []string{"edge.features: the aggregated map of 4096 x 256 x 256"}},
		{"more weights than a bundle holds", "c", func(x *Topology) {
			x.Classes = ViewNames(256)
			x.Input.Rows, x.Input.Cols = 256, 256
			x.Device = Device{Layers: Float, Shared: true, Blocks: []Block{{64, Stride1}}}
			x.Cloud.Features = MP
		}, []string{": the weights have "}},
		{"all at once", "f", func(x *Topology) {
			x.Name, x.Presence, x.Input.Channels = "", 9, 9
			x.Views[0], x.Classes = "", x.Classes[:1]
			x.Groups[0] = []int{0, 1}
			x.Local.Scores, x.Edge.Features, x.Cloud.Features = 9, 9, 9
			x.Device.Blocks[0].Filters, x.Edge.Blocks[0].Pool, x.Cloud.Blocks = -1, 9, nil
		}, []string{
			"name: ", "views[0]: ", "classes: ", "input.channels: ", "presence: ", "groups: no group has view 2", "device.blocks[0].filters: ",
			"local.scores: ", "edge.features: ", "edge.blocks[0].pool: ", "cloud.features: ", "cloud.blocks: ",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top := mustPreset(t, tt.preset, sixCameras())
			tt.change(top)
			checkFaults(t, top.Validate(), tt.want)
		})
	}
}

// checkFaults compares the faults of an *Error with "path: part of the reason".
func checkFaults(t *testing.T, err error, want []string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error with %q", err, want)
	}
	if len(e.Faults) != len(want) {
		t.Fatalf("%d faults, want %d:\n%v", len(e.Faults), len(want), err)
	}
	for i, f := range e.Faults {
		path, reason, _ := strings.Cut(want[i], ": ")
		if f.Path != path || !strings.Contains(f.Reason, reason) {
			t.Errorf("fault %d is %q: %q, want %q", i, f.Path, f.Reason, want[i])
		}
		if !strings.Contains(f.Reason, ": ") {
			t.Errorf("fault %d, %q, names no way out", i, f.Reason)
		}
	}
}

// The text of an error is one line per fault, each complete, and stays readable
// however many there are and however long the names are.
func TestErrorText(t *testing.T) {
	many := &Error{File: "x.yaml"}
	for range maxFaultsShown + 3 {
		many.Faults = append(many.Faults, Fault{Path: "p", Line: 2, Reason: "r: w"})
	}
	tests := []struct {
		name string
		err  *Error
		want string
	}{
		{"no file", &Error{Faults: []Fault{{"a.b", 0, "bad: do"}}}, "topology: a.b: bad: do"},
		{"whole", &Error{Faults: []Fault{{"", 0, "bad: do"}}}, "topology: bad: do"},
		{"lines", &Error{"x.yaml", []Fault{{"a", 3, "bad: do"}, {"", 0, "worse: do"}}}, "x.yaml:3: a: bad: do\nx.yaml: worse: do"},
		{"many", many, strings.Repeat("x.yaml:2: p: r: w\n", maxFaultsShown) + "x.yaml: 3 more faults: correct these first"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.err.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := quote(strings.Repeat("é", 1000)); len(got) > 2*maxQuoted || !strings.HasSuffix(got, `é"...`) {
		t.Errorf("a long word is quoted as %s, want it cut between characters", got)
	}
}

// A topology must say how data differ from it, in every respect at once.
func TestFits(t *testing.T) {
	top := mustPreset(t, DefaultPreset, sixCameras())
	if err := top.Fits(6, 3, Shape{3, 32, 32}); err != nil {
		t.Errorf("fitting data: %v", err)
	}
	checkFaults(t, top.Fits(5, 3, Shape{3, 32, 32}), []string{"views: the topology has 6 and the data 5"})
	checkFaults(t, top.Fits(7, 2, Shape{1, 32, 28}), []string{
		"views: the data 7", "classes: the topology has 3 and the data 2", "input: takes 3 x 32 x 32 and the data have 1 x 32 x 28",
	})
}

// A word is corrected only where it is close to a known one.
func TestSuggest(t *testing.T) {
	known := []string{"layers", "features", "blocks"}
	tests := []struct{ word, want string }{
		{"layer", "did you mean layers?"},
		{"Blocks", "did you mean blocks?"},
		{"blcoks", "did you mean blocks?"},
		{"weights", "use layers, features or blocks"},
		{"", "use layers, features or blocks"},
		{strings.Repeat("l", 1<<16), "use layers, features or blocks"},
	}
	for _, tt := range tests {
		if got := suggest(tt.word, known); got != tt.want {
			t.Errorf("suggest(%.20q) = %q, want %q", tt.word, got, tt.want)
		}
	}
	if got := suggest("ap", aggregatorNames); got != "did you mean AP?" {
		t.Errorf("suggest of an aggregator in lower case: %q", got)
	}
}
