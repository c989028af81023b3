package safetensors

import (
	"fmt"
	"slices"
	"strings"
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
// that was probably meant to be it; each other one that is left over, with the name
// that it probably should have.
func (c *faults) err(slots []slot) error {
	slices.Sort(c.extra)
	meant := map[string]bool{}
	for i, s := range c.missing {
		var near string
		if i < maxFaultsShown {
			near = nearest(s.name, c.extra)
		}
		if near == "" || meant[near] {
			c.addf(s.name, "it is missing: the network has it with the shape %v", s.shape)
			continue
		}
		meant[near] = true
		c.addf(s.name, "it is missing: rename %s, if that is it (shape %v)", printable(near), s.shape)
	}
	var names []string
	for _, s := range slots {
		names = append(names, s.name)
	}
	for i, name := range c.extra {
		if meant[name] {
			continue
		}
		var near string
		if i < maxFaultsShown {
			near = nearest(name, names)
		}
		if near == "" {
			c.addf(name, "the network has no such tensor: leave it out, or give the topology that it is for")
			continue
		}
		c.addf(name, "the network has no such tensor; the nearest is %s: leave it out, or give the topology that it is for", near)
	}
	if len(c.list) == 0 {
		return nil
	}
	return &Error{Faults: c.list}
}

// nearest is the name that was probably meant: the same behind a prefix, or else one
// that differs in few bytes; empty if there is none.
func nearest(name string, among []string) string {
	best, least := "", 1+len(name)/3
	for _, other := range among[:min(len(among), maxCompared)] {
		if strings.HasSuffix(other, "."+name) || strings.HasSuffix(name, "."+other) {
			return other
		}
		if d := distance(name, other); d < least {
			best, least = other, d
		}
	}
	return best
}

// distance is the number of bytes to insert, remove or replace between a and b
// (Levenshtein 1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
