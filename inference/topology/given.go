package topology

import "fmt"

// Base is what the data says about a topology. What it leaves empty, the topology
// must say itself.
type Base struct {
	Views   []string // view names, in the order of the view axis; nil: not known
	Classes []string // class names, in the order of the labels; nil: not known
	Input   Shape    // of every view; the zero Shape: not known, the paper's
}

// paperInput is the input of section IV of the paper: RGB views of 32 x 32.
var paperInput = Shape{Channels: 3, Rows: 32, Cols: 32}

// ViewNames are the names of n views that nobody has named: view0, view1 and so
// on.
func ViewNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("view%d", i)
	}
	return names
}

// Fits reports how data of so many views and classes and of that input differ
// from what the topology takes, as an *Error, or nil.
func (t *Topology) Fits(views, classes int, input Shape) error {
	var c checker
	if views != len(t.Views) {
		c.addf("views", "the topology has %d and the data %d: take data of as many views, or a topology for them", len(t.Views), views)
	}
	if classes != len(t.Classes) {
		c.addf("classes", "the topology has %d and the data %d: take data of as many classes, or a topology for them", len(t.Classes), classes)
	}
	if input != t.Input {
		c.addf("input", "the topology takes %s and the data have %s: take data of that size, or a topology for it", t.Input, input)
	}
	return c.err("")
}
