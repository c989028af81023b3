package topology

import "fmt"

// DefaultPreset is the preset that stands for none: many devices and the cloud,
// the network of section IV of the paper.
const DefaultPreset = "c"

// PresetInfo says what a preset is.
type PresetInfo struct {
	Name    string // a to f as in figure 2 of the paper, or elastic
	Alias   string // the same in words; also the Name of the topology it makes
	Summary string // one line, for people
}

// preset is one row of the table of presets: its description and what it changes
// in the network of DefaultPreset. It refuses views that it cannot do with by a
// reason.
type preset struct {
	PresetInfo
	apply func(t *Topology) (refusal string)
}

// presets is the table of presets, in the order of figure 2 of the paper.
func presets() []preset {
	return []preset{
		{PresetInfo{"a", "cloud-only", "cloud only: the views themselves are sent up"}, applyCloudOnly},
		{PresetInfo{"b", "device-cloud", "one device and the cloud, with a local exit"}, requireOneView},
		{PresetInfo{"c", "devices-cloud", "many devices and the cloud, with a local exit (the default)"}, accept},
		{PresetInfo{"d", "device-edge-cloud", "one device, an edge and the cloud, with an exit at each"}, applyOneEdgeOneView},
		{PresetInfo{"e", "devices-edge-cloud", "many devices, an edge and the cloud, with an exit at each"}, applyOneEdge},
		{PresetInfo{"f", "devices-edges-cloud", "many devices in two groups, an edge for each group, and the cloud"}, applyTwoEdges},
		{PresetInfo{"elastic", "elastic", "many devices and the cloud, with weights for any number of views"}, applyElastic},
	}
}

// Presets lists the presets in the order of figure 2 of the paper, elastic last.
func Presets() []PresetInfo {
	var infos []PresetInfo
	for _, p := range presets() {
		infos = append(infos, p.PresetInfo)
	}
	return infos
}

// Preset makes the topology of a preset, given by its name or its alias, for the
// views, classes and input of base. The result is valid. An error is an *Error.
func Preset(name string, base Base) (*Topology, error) {
	var c checker
	t, fault := makePreset(name, base)
	if fault != nil {
		c.faults = append(c.faults, *fault)
	}
	if t != nil {
		t.check(&c)
	}
	if err := c.err(""); err != nil {
		return nil, err
	}
	return t, nil
}

// makePreset makes the topology of a preset without checking it. The topology is
// nil where there is no such preset; with a fault beside it, it is what the
// preset would be but for its views.
func makePreset(name string, base Base) (*Topology, *Fault) {
	var known []string
	for _, p := range presets() {
		if name == p.Name || name == p.Alias {
			t := newDefault(p.Alias, base)
			if refusal := p.apply(t); refusal != "" && len(t.Views) > 0 {
				return t, &Fault{Path: "preset", Reason: refusal}
			}
			return t, nil
		}
		known = append(known, p.Name)
		if p.Alias != p.Name {
			known = append(known, p.Alias)
		}
	}
	return nil, &Fault{Path: "preset", Reason: fmt.Sprintf("there is no preset %s: %s", quote(name), suggest(name, known))}
}

// newDefault is the network of section IV of the paper: one device section per
// view of four filters, the maximum of the scores at the local exit, and the
// features of all views concatenated at the cloud.
func newDefault(name string, base Base) *Topology {
	t := &Topology{
		Name:    name,
		Views:   append([]string(nil), base.Views...),
		Classes: append([]string(nil), base.Classes...),
		Input:   base.Input,
		Groups:  OneGroup(len(base.Views)),
		Device:  Device{Blocks: []Block{{Filters: 4, Pool: Stride2}}},
		Local:   &Local{Scores: MP},
		Cloud: Cloud{
			Features: CC,
			Blocks:   []Block{{Filters: 16, Pool: Stride1}, {Filters: 16, Pool: Stride1}},
		},
	}
	if t.Input == (Shape{}) {
		t.Input = paperInput
	}
	return t
}

// newEdge is the default edge section. It halves the map: 16 x 8 x 8 for the
// paper's input, so that an edge sends up as many bytes as one of its devices.
func newEdge() *Edge {
	return &Edge{Features: CC, Blocks: []Block{{Filters: 16, Pool: Stride2}}, Exit: true}
}

func accept(*Topology) string { return "" }

func requireOneView(t *Topology) string {
	if len(t.Views) == 1 {
		return ""
	}
	return fmt.Sprintf("%s is for one view, there are %d: take one with --views N, or take the preset for many devices", t.Name, len(t.Views))
}

func applyCloudOnly(t *Topology) string {
	t.Device.Raw = true
	t.Local = nil
	return ""
}

func applyOneEdgeOneView(t *Topology) string {
	t.Edge = newEdge()
	return requireOneView(t)
}

func applyOneEdge(t *Topology) string {
	t.Edge = newEdge()
	return ""
}

// applyTwoEdges splits the views into halves; of an odd number the first has one
// more.
func applyTwoEdges(t *Topology) string {
	t.Edge = newEdge()
	n := len(t.Views)
	if n < 2 {
		return fmt.Sprintf("%s splits the views into two groups, there are %d: take at least 2, or another preset", t.Name, n)
	}
	all := t.Groups[0]
	half := (n + 1) / 2
	t.Groups = [][]int{all[:half:half], all[half:]}
	return ""
}

// applyElastic makes every weight independent of the number of views.
func applyElastic(t *Topology) string {
	t.Device.Shared = true
	t.Local.Scores = MP
	t.Cloud.Features = MP
	return ""
}
