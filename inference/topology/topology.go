package topology

import "fmt"

// The limits of a topology. They bound every allocation that is made on the
// word of a topology that came from outside.
const (
	MaxViews    = 64  // views of one site; a set of views fits one uint64
	MaxClasses  = 256 // classes of a task
	MaxChannels = 4   // channels of a view, as captured
	MaxSide     = 256 // rows or columns of a view
	MinSide     = 4   // rows or columns of a view
	MaxFilters  = 64  // filters of one block
	MaxBlocks   = 8   // blocks of one section
	MaxName     = 64  // bytes of a name of a topology, a view or a class
)

// Topology describes one DDNN. See the package documentation.
type Topology struct {
	Name     string   // for people; at most MaxName bytes
	Views    []string // one name per view, in the order of every view axis
	Classes  []string // one name per class, in the order of every class axis
	Input    Shape    // a view as the device section takes it, 8-bit pixels [channel, row, col]
	Presence Presence // how pixels decide whether a view saw anything
	Groups   [][]int  // views by group, each ascending; every view is in exactly one group
	Device   Device   // the section that runs once per view
	Local    *Local   // the local exit; nil: none
	Edge     *Edge    // the edge tier; nil: none
	Cloud    Cloud    // the last tier, wherever it runs
}

// Device is the section that runs on each seen view.
type Device struct {
	Layers Layers  // arithmetic of the section and of its exit
	Shared bool    // one set of weights for all views, instead of one per view
	Raw    bool    // the views themselves go up and the last tier runs this section (deployment (a))
	Blocks []Block // at least one
}

// Local is the local exit: the scores of the seen views of a group, aggregated.
type Local struct {
	Scores Aggregator // over the scores of the group's seen views
}

// Edge is the tier between a group's devices and the cloud: one section per
// group.
type Edge struct {
	Layers   Layers     // arithmetic of the section and of its exit
	Features Aggregator // over the features of the group's seen views
	Blocks   []Block    // at least one
	Exit     bool       // whether a sample may exit here
}

// Cloud is the last tier. It always has an exit.
type Cloud struct {
	Layers   Layers     // arithmetic of the section and of its exit
	Features Aggregator // over the features of the seen views or, with an edge tier, of the groups
	Blocks   []Block    // at least one
}

// Block is 3x3 convolution (padding 1, stride 1), pool, batch normalization,
// activation: the fused binary convolution-pool block of section IV-A of the
// paper when its section is binary.
type Block struct {
	Filters int  // output channels, 1 to MaxFilters
	Pool    Pool // max pooling after the convolution
}

// Layers is the arithmetic of a section.
type Layers uint8

// The kinds of sections.
const (
	Binary Layers = iota // weights and activations are -1 or +1
	Float                // float32 weights, ReLU inside; what leaves a device or an edge is still a sign
)

func (l Layers) String() string { return nameOf(layerNames, l) }

var layerNames = []string{"binary", "float"}

// Aggregator is one of the schemes of section III-B of the paper. Each runs over
// the seen inputs alone.
type Aggregator uint8

// The aggregation schemes.
const (
	MP Aggregator = iota // max pooling: the largest of each component
	AP                   // average pooling: the mean of each component
	CC                   // concatenation: an unseen input is exact zeros
)

func (a Aggregator) String() string { return nameOf(aggregatorNames, a) }

var aggregatorNames = []string{"MP", "AP", "CC"}

// Presence is the rule by which a view's pixels decide whether it saw anything.
type Presence uint8

// The presence rules.
const (
	Nonzero Presence = iota // present if and only if any pixel byte is not zero
	Always                  // always present: a live camera without a crop
)

func (p Presence) String() string { return nameOf(presenceNames, p) }

var presenceNames = []string{"nonzero", "always"}

// Present applies the rule to the pixels of one view, before preprocessing.
func (p Presence) Present(pixels []byte) bool {
	if p == Always {
		return true
	}
	for _, b := range pixels {
		if b != 0 {
			return true
		}
	}
	return false
}

// Pool is max pooling over 3x3 windows with one pixel of padding, by stride.
type Pool uint8

// The pools of a block. The value is the stride.
const (
	NoPool  Pool = 0
	Stride1 Pool = 1
	Stride2 Pool = 2
)

// Exit is a point where a sample may be answered.
type Exit uint8

// The exits, in the order in which a sample meets them.
const (
	ExitNone  Exit = iota // no view was seen: there is nothing to answer from
	ExitLocal             // the local aggregator's
	ExitEdge              // an edge's
	ExitCloud             // the last tier's
)

func (e Exit) String() string { return nameOf(exitNames, e) }

var exitNames = []string{"none", "local", "edge", "cloud"}

func nameOf[T ~uint8](names []string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("unknown(%d)", v)
}

// OneGroup is the grouping of n views under one aggregator.
func OneGroup(n int) [][]int {
	group := make([]int, n)
	for i := range group {
		group[i] = i
	}
	return [][]int{group}
}
