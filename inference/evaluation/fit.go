package evaluation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// CheckFit reports why a data set cannot be answered by a network of a topology:
// another number of views or classes, other classes, another shape. Views go by
// their place; so do classes whose names are only their numbers.
func CheckFit(t *topology.Topology, set *dataset.Set) error {
	shape := set.Shape()
	switch {
	case len(set.Views) != len(t.Views):
		return fmt.Errorf("data set %s has %d views, the model %d: choose as many with --views, or train a model on this data", set.Name, len(set.Views), len(t.Views))
	case shape != t.Input:
		return fmt.Errorf("data set %s has views of %s, the model takes %s: resize them, or train a model on this data", set.Name, shapeText(shape), shapeText(t.Input))
	case len(set.Classes) != len(t.Classes):
		return fmt.Errorf("data set %s has %d classes (%s), the model %d (%s): if its labels count the same classes, name them with --classes %s, else train a model on this data",
			set.Name, len(set.Classes), listText(set.Classes), len(t.Classes), listText(t.Classes), listText(t.Classes))
	case !numbered(set.Classes) && !slices.Equal(set.Classes, t.Classes):
		return fmt.Errorf("data set %s has the classes %s, the model %s: if its labels count the model's, name them with --classes %s, else train a model on this data",
			set.Name, listText(set.Classes), listText(t.Classes), listText(t.Classes))
	}
	return nil
}

// numbered reports whether names are 0, 1, ..: what the classes of a file are
// called that names none.
func numbered(names []string) bool {
	for i, name := range names {
		if name != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

func shapeText(s topology.Shape) string {
	return fmt.Sprintf("%d x %d x %d", s.Channels, s.Rows, s.Cols)
}

// listText joins names, the first few of many.
func listText(names []string) string {
	const shown = 8
	if len(names) > shown {
		return strings.Join(names[:shown], ",") + ",.."
	}
	return strings.Join(names, ",")
}
