package topology

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits on what follows from a topology.
const (
	// MaxMap is the most elements of one map, aggregated or not: it bounds the
	// scratch of a section.
	MaxMap = 1 << 24
	// MaxWeightBytes is the most bytes of weights of a bundle, see
	// Topology.WeightBytes.
	MaxWeightBytes = 64 << 20
)

// Validate reports everything that is wrong with a topology at once, as an
// *Error, or nil. The sizes of maps and weights are checked where nothing else is
// wrong, because they follow from the rest. It allocates little, whatever the
// topology says, and does not panic on any value.
func (t *Topology) Validate() error {
	var c checker
	t.check(&c)
	return c.err("")
}

func (t *Topology) check(c *checker) {
	c.name("name", t.Name)
	c.names("views", t.Views, 1, MaxViews)
	c.names("classes", t.Classes, 2, MaxClasses)
	c.input(t.Input)
	checkEnum(c, "presence", t.Presence, presenceNames)
	c.groups(t.Groups, len(t.Views))

	s := t.Input
	if s.Rows < MinSide || s.Rows > MaxSide || s.Cols < MinSide || s.Cols > MaxSide {
		s.Rows, s.Cols = MaxSide, MaxSide // already told; no more faults from it
	}
	checkEnum(c, "device.layers", t.Device.Layers, layerNames)
	s = c.blocks("device.blocks", t.Device.Blocks, s)
	if t.Local != nil {
		checkEnum(c, "local.scores", t.Local.Scores, aggregatorNames)
	}
	if t.Edge != nil {
		checkEnum(c, "edge.layers", t.Edge.Layers, layerNames)
		checkEnum(c, "edge.features", t.Edge.Features, aggregatorNames)
		s = c.blocks("edge.blocks", t.Edge.Blocks, s)
	}
	checkEnum(c, "cloud.layers", t.Cloud.Layers, layerNames)
	checkEnum(c, "cloud.features", t.Cloud.Features, aggregatorNames)
	c.blocks("cloud.blocks", t.Cloud.Blocks, s)
	c.raw(t)
	if len(c.faults) == 0 {
		c.sizes(t)
	}
}

// name checks the name of a topology, a view or a class. Names are printed, and
// are parts of paths in data sets that are image folders.
func (c *checker) name(path, name string) {
	switch {
	case name == "":
		c.addf(path, "the name is empty: give 1 to %d bytes", MaxName)
	case len(name) > MaxName:
		c.addf(path, "the name %s has %d bytes: give at most %d", quote(name), len(name), MaxName)
	case !utf8.ValidString(name):
		c.addf(path, "the name %s is not UTF-8: save it as UTF-8", quote(name))
	case strings.ContainsAny(name, `/\`) || name == "." || name == "..":
		c.addf(path, "the name %s is not one part of a path: use no slash, and not . or ..", quote(name))
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.addf(path, "the name %s has a character that does not print: leave it out", quote(name))
	case strings.TrimSpace(name) != name:
		c.addf(path, "the name %s begins or ends with a space: leave it out", quote(name))
	}
}

func (c *checker) names(path string, names []string, least, most int) {
	if len(names) < least || len(names) > most {
		c.addf(path, "there are %d: name %d to %d, in the topology or by the data", len(names), least, most)
		names = names[:min(len(names), most)]
	}
	first := make(map[string]int, len(names))
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.name(at, name)
		if j, twice := first[name]; twice && name != "" {
			c.addf(at, "the name %s is that of %s[%d] too: give each its own", quote(name), path, j)
			continue
		}
		first[name] = i
	}
}

func (c *checker) input(s Shape) {
	c.within("input.channels", s.Channels, 1, MaxChannels)
	c.within("input.rows", s.Rows, MinSide, MaxSide)
	c.within("input.cols", s.Cols, MinSide, MaxSide)
}

func (c *checker) within(path string, v, least, most int) {
	if v < least || v > most {
		c.addf(path, "%d is out of range: give %d to %d", v, least, most)
	}
}

func checkEnum[T ~uint8](c *checker, path string, v T, names []string) {
	if int(v) >= len(names) {
		c.addf(path, "%d is not a known value: use %s", v, oneOf(names))
	}
}

// groups checks that every one of n views is in exactly one group.
func (c *checker) groups(groups [][]int, n int) {
	if n == 0 || n > MaxViews {
		return // already told; what follows from it would hide it
	}
	if len(groups) == 0 || len(groups) > MaxViews {
		c.addf("groups", "there are %d: give 1 to %d", len(groups), MaxViews)
		return
	}
	owner := make(map[int]int, n) // group by view
	for g, views := range groups {
		if len(views) == 0 {
			c.addf(fmt.Sprintf("groups[%d]", g), "the group has no view: give it one or leave it out")
		}
		if len(views) > MaxViews {
			c.addf(fmt.Sprintf("groups[%d]", g), "the group has %d views: give at most %d", len(views), MaxViews)
			continue
		}
		for i, v := range views {
			at := fmt.Sprintf("groups[%d][%d]", g, i)
			other, twice := owner[v]
			switch {
			case v < 0 || v >= n:
				c.addf(at, "there is no view %d: the %d views count from 0", v, n)
				continue
			case twice && other == g:
				c.addf(at, "view %d is in this group twice: name it once", v)
			case twice:
				c.addf(at, "view %d is in groups[%d] too: put it into one", v, other)
			case i > 0 && v < views[i-1]:
				c.addf(at, "view %d comes after view %d: put the views of a group in ascending order", v, views[i-1])
			}
			owner[v] = g
		}
	}
	var left []string
	for v := range n {
		if _, found := owner[v]; !found {
			left = append(left, strconv.Itoa(v))
		}
	}
	if len(left) > 0 {
		c.addf("groups", "no group has view %s: put each view into one", strings.Join(left, ", "))
	}
}

// blocks checks the blocks of a section that takes maps of shape s, and returns
// the shape of what they make, as far as that can be said.
func (c *checker) blocks(path string, blocks []Block, s Shape) Shape {
	if len(blocks) == 0 || len(blocks) > MaxBlocks {
		c.addf(path, "there are %d blocks: give 1 to %d", len(blocks), MaxBlocks)
		blocks = blocks[:min(len(blocks), MaxBlocks)]
	}
	for i, b := range blocks {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.within(at+".filters", b.Filters, 1, MaxFilters)
		switch {
		case b.Pool > Stride2:
			c.addf(at+".pool", "%d is not a pool: use 0 (none), 1 or 2 (its stride)", b.Pool)
		case b.Pool == Stride2 && (s.Rows < 2 || s.Cols < 2):
			c.addf(at+".pool", "a map of %d x %d cannot be halved: use pool 1 or 0 here, or a larger input", s.Rows, s.Cols)
		}
		s = b.Out(s)
	}
	return s
}

// raw checks deployment (a): where the views themselves go up, nothing is
// computed below the last tier.
func (c *checker) raw(t *Topology) {
	if t.Device.Raw && t.Local != nil {
		c.addf("local", "there are no scores at the devices of a topology that sends its views up: remove local, or let the device send features")
	}
	if t.Device.Raw && t.Edge != nil {
		c.addf("edge", "there are no features for an edge in a topology that sends its views up: remove edge, or let the device send features")
	}
}

// sizes checks what follows from a topology that is right otherwise.
func (c *checker) sizes(t *Topology) {
	if t.Edge != nil {
		for g := range t.Groups {
			c.mapSize("edge.features", t.EdgeIn(g))
		}
	}
	c.mapSize("cloud.features", t.CloudIn())
	if n := t.WeightBytes(); n > MaxWeightBytes {
		c.addf("", "the weights have %d bytes, more than the %d of a bundle: use fewer filters, more pooling, a smaller input or binary layers", n, MaxWeightBytes)
	}
}

func (c *checker) mapSize(path string, s Shape) {
	if s.Size() > MaxMap {
		c.addf(path, "the aggregated map of %s has more than %d elements: use MP, fewer filters or more pooling", s, MaxMap)
	}
}
