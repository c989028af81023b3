package dataset

import (
	"cmp"
	"slices"
	"strings"
)

// framesByName gives every sample name its moment: the number that the name is
// where every name is a number, else the rank of the name, from zero, among the
// names of all classes. Samples of one name are of one moment.
func framesByName(samples []folderSample) map[string]int {
	frames := make(map[string]int, len(samples))
	numbers := true
	for _, s := range samples {
		v, err := parseFrame(s.name)
		frames[s.name], numbers = v, numbers && err == nil
	}
	if numbers {
		return frames
	}
	names := make([]string, 0, len(frames))
	for name := range frames {
		names = append(names, name)
	}
	slices.SortFunc(names, naturalCompare)
	for rank, name := range names {
		frames[name] = rank
	}
	return frames
}

// naturalCompare orders names so that runs of digits compare as numbers:
// view2 before view10. Names that differ in leading zeros alone compare as text.
func naturalCompare(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		dx, dy := digits(x), digits(y)
		if dx == 0 || dy == 0 {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		nx, ny := strings.TrimLeft(x[:dx], "0"), strings.TrimLeft(y[:dy], "0")
		if order := cmp.Or(cmp.Compare(len(nx), len(ny)), cmp.Compare(nx, ny)); order != 0 {
			return order
		}
		x, y = x[dx:], y[dy:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// digits is the number of digits that s starts with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
