package topology

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everyKey is a file with every key of the format.
const everyKey = `# a corner with two poles
preset: c
name: corner
views: [north, "3", south-east]
classes: [car, bus, person, "no"]
input: {rows: 24, cols: 48, channels: 1}
presence: always
groups: [[south-east, 0], ["3"]]
device: {layers: float, weights: shared, send: features, blocks: [{filters: 8}, {filters: 4, pool: 2}]}
local: {scores: AP}
edge:
  layers: float
  features: MP
  blocks: [{filters: 12, pool: 1}]
  exit: false
cloud: {layers: float, features: MP, blocks: [{filters: 9, pool: 2}]}
`

func TestParseEveryKey(t *testing.T) {
	want := &Topology{
		Name:     "corner",
		Views:    []string{"north", "3", "south-east"},
		Classes:  []string{"car", "bus", "person", "no"},
		Input:    Shape{Channels: 1, Rows: 24, Cols: 48},
		Presence: Always,
		Groups:   [][]int{{0, 2}, {1}},
		Device:   Device{Layers: Float, Shared: true, Blocks: []Block{{8, NoPool}, {4, Stride2}}},
		Local:    &Local{Scores: AP},
		Edge:     &Edge{Layers: Float, Features: MP, Blocks: []Block{{12, Stride1}}},
		Cloud:    Cloud{Layers: Float, Features: MP, Blocks: []Block{{9, Stride2}}},
	}
	for _, base := range []Base{{}, sixCameras()} {
		got, err := Parse("t.yaml", []byte(everyKey), base)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("with %d views of data (-want +got):\n%s", len(base.Views), diff)
		}
	}
}

// What a file leaves out comes from the data, its preset or the paper, in that
// order; what it says overrides them key by key.
func TestParseDefaults(t *testing.T) {
	paper := func(change func(*Topology)) *Topology {
		top := mustPreset(t, DefaultPreset, sixCameras())
		top.Name, top.Local = customName, nil
		change(top)
		return top
	}
	preset := func(name string, change func(*Topology)) *Topology {
		top := mustPreset(t, name, sixCameras())
		change(top)
		return top
	}
	oneView := sixCameras()
	oneView.Views = []string{"view0"}
	tests := []struct {
		name, text string
		base       Base
		want       *Topology
	}{
		{"name alone: the paper's without a local exit", "name: x", sixCameras(), paper(func(x *Topology) { x.Name = "x" })},
		{"local exit alone", "local: {}", sixCameras(), paper(func(x *Topology) { x.Local = &Local{Scores: MP} })},
		{"edge alone", "edge: {}", sixCameras(), paper(func(x *Topology) { x.Edge = newEdge() })},
		{"preset alone", "preset: f", sixCameras(), preset("f", func(*Topology) {})},
		{"preset by alias", "preset: devices-edges-cloud", sixCameras(), preset("f", func(*Topology) {})},
		{"preset without its local exit", "preset: c\nlocal: none", sixCameras(), preset("c", func(x *Topology) { x.Local = nil })},
		{"preset without its edge", "preset: e\nedge: none", sixCameras(), preset("e", func(x *Topology) { x.Edge = nil })},
		{"edge of a preset, one key changed", "preset: e\nedge: {exit: false}", sixCameras(), preset("e", func(x *Topology) { x.Edge.Exit = false })},
		{"preset with another grouping", "preset: f\ngroups: [[0], [1, 2, 3, 4, 5]]", sixCameras(), preset("f", func(x *Topology) { x.Groups = [][]int{{0}, {1, 2, 3, 4, 5}} })},
		{"raw preset that sends features after all", "preset: a\ndevice: {send: features}", sixCameras(), preset("a", func(x *Topology) { x.Device.Raw = false })},
		{"fewer views than the data: their own names, own grouping", "preset: f\nviews: 4", sixCameras(), preset("f", func(x *Topology) {
			x.Views, x.Groups = ViewNames(4), [][]int{{0, 1}, {2, 3}}
		})},
		{"as many views as the data: its names", "views: 1", Base{Views: []string{"gate"}, Classes: []string{"a", "b"}}, &Topology{
			Name: customName, Views: []string{"gate"}, Classes: []string{"a", "b"}, Input: paperInput, Groups: OneGroup(1),
			Device: Device{Blocks: []Block{{4, Stride2}}}, Cloud: paper(func(*Topology) {}).Cloud,
		}},
		{"one side of the input", "input: {rows: 16}", sixCameras(), paper(func(x *Topology) { x.Input.Rows = 16 })},
		{"one device by a preset", "preset: b\nviews: 1", sixCameras(), mustPreset(t, "b", oneView)},
		{"blocks in place of the preset's", "preset: c\ncloud: {blocks: [{filters: 2}]}", sixCameras(), preset("c", func(x *Topology) { x.Cloud.Blocks = []Block{{2, NoPool}} })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse("t.yaml", []byte(tt.text), tt.base)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Every way in which a file can be wrong is told with its line, its key, the
// reason and the way out, and nothing that merely follows from it is.
func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // a part of each line of the error
	}{
		{"empty", "", []string{"t.yaml: the file is empty: give at least"}},
		{"comment alone", "# nothing\n", []string{"t.yaml: the file is empty"}},
		{"null", "---\n~\n", []string{"t.yaml: the file is empty"}},
		{"list", "- preset: c", []string{"t.yaml:1: want a mapping of preset, name"}},
		{"scalar", "c", []string{`t.yaml:1: want a mapping of preset, name, views, classes, input, presence, groups, device, local, edge or cloud, got the text "c"`}},
		{"two documents", "preset: c\n---\npreset: d\n", []string{"t.yaml:2: a second document begins here: keep one"}},
		{"bad second document", "preset: c\n---\n[", []string{"not YAML: "}},
		{"too large", strings.Repeat("#", MaxFileBytes+1), []string{"t.yaml: the file has more than 65536 bytes: "}},
		{"not UTF-8", "name: x\nviews: [\"\xff\"]", []string{"t.yaml:2: the byte 0xff is not UTF-8: save"}},
		{"control character", "name: x\n\n\x00", []string{"t.yaml:3: the control character U+0000 does not belong"}},
		{"not YAML", "preset: c\nviews: [1, 2\n", []string{"not YAML: did not find expected ',' or ']': correct"}},
		{"unknown anchor", "preset: c\nname: *who\n", []string{"t.yaml:2: not YAML: unknown anchor 'who' referenced"}},
		{"unknown key", "preset: c\npresense: always", []string{"t.yaml:2: presense: unknown key: did you mean presence?"}},
		{"unknown key in a section", "preset: c\ncloud:\n  layers: float\n  colour: red", []string{"t.yaml:4: cloud.colour: unknown key: use layers, features or blocks"}},
		{"unknown key in a block", "preset: c\ncloud: {blocks: [{filters: 2, pools: 1}]}", []string{"t.yaml:2: cloud.blocks[0].pools: unknown key: did you mean pool?"}},
		{"merge key", "preset: c\n<<: {name: x}", []string{`t.yaml:2: "<<": unknown key`}},
		{"key that is a list", "preset: c\n[a, b]: 1", []string{`t.yaml:2: "": unknown key`}},
		{"key twice", "preset: c\nname: a\nname: b", []string{"t.yaml:3: name: the key is in line 2 already: keep one"}},
		{"key twice in a section", "local: {scores: MP, scores: AP}", []string{"t.yaml:1: local.scores: the key is in line 1 already"}},
		{"anchor", "preset: &p c", []string{"t.yaml:1: preset: anchors and aliases are refused: write the value out"}},
		{"alias", "preset: c\ndevice: &d {layers: float}\ncloud: *d", []string{"t.yaml:2: device: anchors", "t.yaml:3: cloud: anchors"}},
		{"anchor on a section that may be none", "preset: c\nlocal: &l none", []string{"t.yaml:2: local: anchors"}},
		{"unknown preset", "preset: elastik", []string{`t.yaml:1: preset: there is no preset "elastik": did you mean elastic?`}},
		{"preset of other views", "# one\npreset: b", []string{"t.yaml:2: preset: device-cloud is for one view, there are 6"}},
		{"preset that is a number", "preset: 1", []string{`t.yaml:1: preset: want a name (a number or a word of YAML needs quotes), got the number "1"`}},
		{"name that is nothing", "name:", []string{"t.yaml:1: name: want a name (a number or a word of YAML needs quotes), got nothing"}},
		{"name that is true", "classes: [true, car]", []string{`t.yaml:1: classes[0]: want a name (a number or a word of YAML needs quotes), got "true"`}},
		{"name with a slash", "views: [a, b,\n a/b]", []string{`t.yaml:2: views[2]: the name "a/b" is not one part of a path`}},
		{"name twice", "views: [a,\n a]", []string{`t.yaml:2: views[1]: the name "a" is that of views[0] too`}},
		{"no views", "views: 0", []string{"t.yaml:1: views: 0 is out of range: give 1 to 64, or a list of names"}},
		{"too many views", "views: 1000000000", []string{"t.yaml:1: views: 1000000000 is out of range"}},
		{"more views than an integer has", "views: 99999999999999999999", []string{"t.yaml:1: views: want a whole number, got the number"}},
		{"hexadecimal views", "views: 0x6", []string{`t.yaml:1: views: the number "0x6" is not a decimal`}},
		{"views in words", "views: six", []string{`t.yaml:1: views: want a whole number, got the text "six"`}},
		{"empty list of views", "views: []", []string{"t.yaml:1: views: there are 0: name 1 to 64"}},
		{"one class", "classes: [car]", []string{"t.yaml:1: classes: there are 1: name 2 to 256"}},
		{"classes by number", "classes: 3", []string{`t.yaml:1: classes: want a list, got the number "3": write it in brackets`}},
		{"tagged list", "classes: !!set [a, b]", []string{"t.yaml:1: classes: want a list"}},
		{"input as a list", "input: [3, 32, 32]", []string{"t.yaml:1: input: want a mapping of rows, cols or channels, got a list: write it as {rows: ...}"}},
		{"input too small", "input:\n  rows: 3\n  cols: 32", []string{"t.yaml:2: input.rows: 3 is out of range: give 4 to 256"}},
		{"input with a fraction", "input: {rows: 3.5}", []string{`t.yaml:1: input.rows: want a whole number, got the number "3.5"`}},
		{"presence", "presence: sometimes", []string{`t.yaml:1: presence: unknown value "sometimes": use nonzero or always`}},
		{"presence in capitals", "presence: Always", []string{"did you mean always?"}},
		{"group that is no list", "groups: [0, 1]", []string{"groups[0]: want a list", "groups[1]: want a list"}},
		{"group by unknown name", "groups: [[0, 1, 2, 3, 4],\n [viev5]]", []string{`t.yaml:2: groups[1][0]: there is no view "viev5": did you mean view5?`}},
		{"group by unknown index", "groups: [[0, 1, 2, 3, 4, 5],\n [6]]", []string{"t.yaml:2: groups[1][0]: there is no view 6"}},
		{"view in no group", "preset: c\ngroups: [[0, 1, 2]]", []string{"t.yaml:2: groups: no group has view 3, 4, 5"}},
		{"layers", "device: {layers: binari}", []string{`t.yaml:1: device.layers: unknown value "binari": did you mean binary?`}},
		{"weights", "device: {weights: true}", []string{`t.yaml:1: device.weights: want separate or shared, got "true"`}},
		{"send", "device: {send: pixels}", []string{`t.yaml:1: device.send: unknown value "pixels": use features or views`}},
		{"device none", "device: none", []string{`t.yaml:1: device: want a mapping of layers, weights, send or blocks, got the text "none"`}},
		{"cloud nothing", "cloud:", []string{"t.yaml:1: cloud: want a mapping of layers, features or blocks, got nothing"}},
		{"aggregator", "local: {scores: mp}", []string{`t.yaml:1: local.scores: unknown value "mp": did you mean MP?`}},
		{"exit", "edge: {exit: yes}", []string{`t.yaml:1: edge.exit: want true or false, got the text "yes"`}},
		{"exit by a tag", "edge: {exit: !!bool maybe}", []string{`t.yaml:1: edge.exit: want true or false, got "maybe"`}},
		{"block without filters", "cloud:\n  blocks:\n    - pool: 2", []string{"t.yaml:3: cloud.blocks[0].filters: the key is missing: give 1 to 64"}},
		{"block with too many filters", "cloud:\n  blocks:\n    - filters: 1\n    - filters: 65", []string{"t.yaml:4: cloud.blocks[1].filters: 65 is out of range"}},
		{"block that is a number", "cloud: {blocks: [16]}", []string{"t.yaml:1: cloud.blocks[0]: want a mapping of filters or pool"}},
		{"pool", "device: {blocks: [{filters: 4,\n  pool: 3}]}", []string{"t.yaml:2: device.blocks[0].pool: 3 is not a pool: use 0 (none), 1 or 2"}},
		{"negative pool", "device: {blocks: [{filters: 4, pool: -254}]}", []string{"device.blocks[0].pool: -254 is not a pool"}},
		{"no blocks", "name: x\ndevice: {blocks: []}", []string{"t.yaml:2: device.blocks: there are 0 blocks"}},
		{"impossible shape", "input: {rows: 4, cols: 4}\ncloud:\n  blocks:\n    - {filters: 16, pool: 2}\n    - {filters: 16, pool: 2}", []string{"t.yaml:5: cloud.blocks[1].pool: a map of 1 x 1 cannot be halved: use"}},
		{"impossible shape of a preset", "input: {rows: 4, cols: 4}\npreset: e\ndevice: {blocks: [{filters: 4, pool: 2}, {filters: 4, pool: 2}]}", []string{"t.yaml:2: edge.blocks[0].pool: a map of 1 x 1"}},
		{"raw views with a local exit", "preset: a\nlocal: {scores: MP}", []string{"t.yaml:2: local: there are no scores"}},
		{"several at once, by line", "cloud: {layers: x}\nviews: 0\npresence: x\nwhat: x\n", []string{"t.yaml:1: cloud.layers", "t.yaml:2: views", "t.yaml:3: presence", "t.yaml:4: what"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top, err := Parse("t.yaml", []byte(tt.text), sixCameras())
			if err == nil || top != nil {
				t.Fatalf("Parse = %v, %v; want an error alone", top, err)
			}
			var e *Error
			if !errors.As(err, &e) || e.File != "t.yaml" {
				t.Errorf("error %v is no *Error of the file", err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("%d lines, want %d:\n%v", len(lines), len(tt.want), err)
			}
			for i, line := range lines {
				if !strings.Contains(line, tt.want[i]) {
					t.Errorf("line %d is\n%s\nwant\n%s", i, line, tt.want[i])
				}
			}
		})
	}
}

// An alias bomb must cost nothing: aliases are refused where they stand.
func TestParseRefusesAliasBomb(t *testing.T) {
	text := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'z'; c++ {
		prev := string(c - 1)
		text += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+prev+", ", 8) + "*" + prev + "]\n"
	}
	text += "classes: *z\n"
	if _, err := Parse("bomb.yaml", []byte(text), sixCameras()); err == nil || !strings.Contains(err.Error(), "bomb.yaml:27: classes: anchors and aliases are refused") {
		t.Errorf("error %v, want the alias refused", err)
	}
	deep := strings.Repeat("[", MaxFileBytes)
	if _, err := Parse("deep.yaml", []byte(deep), sixCameras()); err == nil {
		t.Error("nesting without end is accepted")
	}
}

// Files come from a path or, in a flag, from the name of a preset.
func TestOpenAndLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "corner.yaml")
	if err := os.WriteFile(path, []byte(everyKey), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("preset: c\nnam: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, arg, want, err string }{
		{"preset", "elastic", "elastic", ""},
		{"alias", "cloud-only", "cloud-only", ""},
		{"file", path, "corner", ""},
		{"fault in a file", bad, "", bad + ":2: nam: unknown key: did you mean name?"},
		{"neither", "elastics", "", `open topology: "elastics" is no preset and no file: did you mean elastic?`},
		{"folder", dir, "", "read topology: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top, err := Open(tt.arg, sixCameras())
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || top.Name != tt.want {
				t.Errorf("Open = %v, %v; want %s", top, err, tt.want)
			}
		})
	}
	if _, err := Load(filepath.Join(dir, "absent.yaml"), Base{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: error %v, want fs.ErrNotExist", err)
	}
}
