package topology

import (
	"fmt"
	"slices"
)

// The keys of a topology file, by mapping, in the order in which they are
// written, and the words of the choices that are not enums.
var (
	topologyKeys = []string{"preset", "name", "views", "classes", "input", "presence", "groups", "device", "local", "edge", "cloud"}
	inputKeys    = []string{"rows", "cols", "channels"}
	deviceKeys   = []string{"layers", "weights", "send", "blocks"}
	localKeys    = []string{"scores"}
	edgeKeys     = []string{"layers", "features", "blocks", "exit"}
	cloudKeys    = []string{"layers", "features", "blocks"}
	blockKeys    = []string{"filters", "pool"}

	weightsNames = []string{"separate", "shared"}
	sendNames    = []string{"features", "views"}
)

// noneWord takes a local exit or an edge away from a preset.
const noneWord = "none"

// customName is the name of a topology that has neither a name nor a preset.
const customName = "custom"

// Parse reads a topology from YAML; name is the file's, for errors. Views,
// classes and input come from base where the file does not give them; what else
// it leaves out comes from its preset or, without one, is as in the paper but
// without a local exit. The file may hold, each key optional:
//
//	preset: c                # start from a preset; the keys below override it
//	name: corner
//	views: 6                 # a number, or a list of names
//	classes: [car, bus, person]
//	input: {rows: 32, cols: 32, channels: 3}
//	presence: nonzero        # or always
//	groups: [[0, 1, 2], [3, 4, 5]]   # indices or names of views; one group by default
//	device: {layers: binary, weights: separate, send: features, blocks: [{filters: 4, pool: 2}]}
//	local: {scores: MP}      # or none
//	edge: {layers: binary, features: CC, blocks: [{filters: 16, pool: 2}], exit: true}   # or none
//	cloud: {layers: float, features: CC, blocks: [{filters: 16, pool: 1}, {filters: 16, pool: 1}]}
//
// weights may be shared; send: views is deployment (a) of the paper; a pool is a
// stride, and 0 or absent is none. The result is valid. An error is an *Error
// that has everything wrong with the file, each with its line.
func Parse(name string, data []byte, base Base) (*Topology, error) {
	r := reader{lines: make(map[string]int)}
	root := r.document(data)
	if root == nil {
		return nil, r.err(name)
	}
	t := r.topology(root, base)
	r.validate(t)
	if err := r.err(name); err != nil {
		return nil, err
	}
	return t, nil
}

// validate adds what Validate says, with lines, but for what follows from faults
// that are known already.
func (r *reader) validate(t *Topology) {
	var v checker
	t.check(&v)
	known := slices.Clone(r.faults)
	for _, f := range v.faults {
		follows := slices.ContainsFunc(known, func(k Fault) bool {
			return inside(f.Path, k.Path) || inside(k.Path, f.Path)
		})
		if !follows {
			f.Line = r.line(f.Path)
			r.faults = append(r.faults, f)
		}
	}
}

// topology reads the whole file. The result is as good as the file is.
func (r *reader) topology(root *node, base Base) *Topology {
	keys := r.mapping(root, "", topologyKeys)
	if n := keys["views"]; n != nil {
		base.Views = r.views(n, base.Views)
	}
	if n := keys["classes"]; n != nil {
		base.Classes = r.names(n, "classes")
	}
	if n := keys["input"]; n != nil {
		base.Input = r.input(n, base.Input)
	}
	t := r.start(keys["preset"], base)
	if n := keys["name"]; n != nil {
		r.text(n, "name", &t.Name)
	}
	readEnum(r, keys["presence"], "presence", presenceNames, &t.Presence)
	if n := keys["groups"]; n != nil {
		t.Groups = r.groups(n, t.Views)
	}
	r.device(keys["device"], &t.Device)
	t.Local = r.local(keys["local"], t.Local)
	t.Edge = r.edge(keys["edge"], t.Edge)
	r.cloud(keys["cloud"], &t.Cloud)
	return t
}

// start is what the file's keys override.
func (r *reader) start(preset *node, base Base) *Topology {
	def := newDefault(customName, base)
	def.Local = nil
	var name string
	if preset == nil || !r.text(preset, "preset", &name) {
		return def
	}
	t, fault := makePreset(name, base)
	if fault != nil {
		r.addf(preset, "preset", "%s", fault.Reason)
	}
	if t == nil {
		return def
	}
	return t
}

// views are named by the file, or a number of them is: then the names are those
// of the data, if it has as many.
func (r *reader) views(n *node, known []string) []string {
	if n.Kind == sequenceKind {
		return r.names(n, "views")
	}
	var count int
	if !r.integer(n, "views", &count) {
		return nil
	}
	if count < 1 || count > MaxViews {
		r.addf(n, "views", "%d is out of range: give 1 to %d, or a list of names", count, MaxViews)
		return nil
	}
	if count == len(known) {
		return known
	}
	return ViewNames(count)
}

// input overrides the input of the data, or else the paper's, key by key.
func (r *reader) input(n *node, s Shape) Shape {
	if s == (Shape{}) {
		s = paperInput
	}
	keys := r.mapping(n, "input", inputKeys)
	for key, v := range map[string]*int{"rows": &s.Rows, "cols": &s.Cols, "channels": &s.Channels} {
		if k := keys[key]; k != nil {
			r.integer(k, "input."+key, v)
		}
	}
	return s
}

// groups are lists of indices or names of views, in any order.
func (r *reader) groups(n *node, views []string) [][]int {
	var groups [][]int
	for g, list := range r.sequence(n, "groups") {
		at := fmt.Sprintf("groups[%d]", g)
		var group []int
		for i, item := range r.sequence(list, at) {
			if v, ok := r.view(item, fmt.Sprintf("%s[%d]", at, i), views); ok {
				group = append(group, v)
			}
		}
		slices.Sort(group)
		groups = append(groups, group)
	}
	return groups
}

// view is the index of a view that a group names by its index or its name.
func (r *reader) view(n *node, path string, views []string) (int, bool) {
	r.lines[path] = n.Line
	if n.ShortTag() != textTag {
		var v int
		return v, r.integer(n, path, &v)
	}
	var name string
	if !r.text(n, path, &name) {
		return 0, false
	}
	v := slices.Index(views, name)
	if v < 0 && len(views) > 0 {
		r.addf(n, path, "there is no view %s: %s", quote(name), suggest(name, views))
	}
	return v, v >= 0
}
