package safetensors

import (
	"fmt"
	"slices"
	"strings"

	"ganglion/inference/spelling"
)

// Error is everything in which a file does not fit a network.
type Error struct {
	Faults []Fault // at least one
}

// Fault is one tensor that does not fit.
type Fault struct {
	Tensor string // its name
	Reason string // what is wrong and the way out
}

// maxFaultsShown keeps the text of an error readable; Error.Faults has all.
const maxFaultsShown = 32

// Error is one line per fault.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "the weights do not fit the network in %d places", len(e.Faults))
	for i, f := range e.Faults {
		if i == maxFaultsShown {
			fmt.Fprintf(&text, "\n  and %d more: correct these first", len(e.Faults)-i)
			break
		}
		fmt.Fprintf(&text, "\n  %s: %s", printable(f.Tensor), f.Reason)
	}
	return text.String()
}

// printable is a name as it is, or quoted where it holds anything strange.
func printable(name string) string {
	if quoted := quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// faults collects what is wrong.
type faults struct {
	list    []Fault
	missing []slot   // that no tensor of the file is for
	extra   []string // that no slot is for
}

func (c *faults) addf(tensor, format string, args ...any) {
	c.list = append(c.list, Fault{tensor, fmt.Sprintf(format, args...)})
}

// maxCompared bounds the names among which the nearest is looked for.
const maxCompared = 1024

// err is nil where there is no fault. A missing tensor is told together with the one
// that was probably meant to be it; sections of which all is missing, or left over, are
// told once.
func (c *faults) err(slots []slot) error {
	slices.Sort(c.extra)
	if prefix := c.prefix(); prefix != "" {
		c.addf(prefix+"*", "all names begin with %s: save them without it", printable(prefix))
		c.missing, c.extra = nil, nil
	}
	c.pair()
	expected, given := map[string]int{}, map[string]int{}
	for _, s := range slots {
		expected[sectionOf(s.name)]++
		given[sectionOf(s.name)]++
	}
	for _, s := range c.missing {
		given[sectionOf(s.name)]--
	}
	told := map[string]bool{}
	for _, s := range c.missing {
		section := sectionOf(s.name)
		if given[section] > biasesOf(slots, section) {
			c.addf(s.name, "it is missing: the network has it with the shape %v", s.shape)
		} else if !told[section] {
			c.addf(section+".*", "all of it is missing: save it, too, or give the topology without it")
		}
		told[section] = true
	}
	over := map[string]int{}
	for _, name := range c.extra {
		over[sectionOf(name)]++
	}
	for _, name := range c.extra {
		section := sectionOf(name)
		if expected[section] > 0 || over[section] == 1 {
			c.addf(name, "the network has no such tensor: leave it out, or give the topology that it is for")
		} else if !told[section] {
			c.addf(section+".*", "the network has nothing of that name: leave it out, or give the topology that it is for")
		}
		told[section] = true
	}
	if len(c.list) == 0 {
		return nil
	}
	return &Error{Faults: c.list}
}

// prefix is what stands before every name, if the file has the whole network behind
// it; empty: nothing.
func (c *faults) prefix() string {
	if len(c.missing) == 0 {
		return ""
	}
	for _, name := range c.extra {
		prefix, found := strings.CutSuffix(name, c.missing[0].name)
		if !found || !strings.HasSuffix(prefix, ".") {
			continue
		}
		for _, s := range c.missing {
			if _, there := slices.BinarySearch(c.extra, prefix+s.name); !there {
				return ""
			}
		}
		return prefix
	}
	return ""
}

// pair tells of the missing tensors for which another was probably meant, and takes
// both from the lists.
func (c *faults) pair() {
	var missing []slot
	for i, s := range c.missing {
		near := -1
		if i < maxFaultsShown {
			near = nearest(s.name, c.extra)
		}
		if near < 0 {
			missing = append(missing, s)
			continue
		}
		c.addf(s.name, "it is missing: rename %s, if that is it (shape %v)", printable(c.extra[near]), s.shape)
		c.extra = slices.Delete(c.extra, near, near+1)
	}
	c.missing = missing
}

// sectionOf is the part of a name that says which section it is of: "devices.0",
// "cloud".
func sectionOf(name string) string {
	parts := strings.SplitN(name, ".", 3)
	if len(parts) > 2 && parts[0] != "cloud" {
		return parts[0] + "." + parts[1]
	}
	return parts[0]
}

// biasesOf is the number of a section's slots that may be empty.
func biasesOf(slots []slot, section string) int {
	n := 0
	for _, s := range slots {
		if s.bias != nil && sectionOf(s.name) == section {
			n++
		}
	}
	return n
}

// nearest is the place of the name that was probably meant: one that differs in few
// bytes; -1 if there is none.
func nearest(name string, among []string) int {
	among = among[:min(len(among), maxCompared)]
	for i, other := range among {
		if strings.HasSuffix(other, "."+name) || strings.HasSuffix(name, "."+other) {
			return i
		}
	}
	return spelling.Nearest(name, among, len(name)/5)
}
