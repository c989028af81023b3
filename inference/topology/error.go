package topology

import (
	"fmt"
	"sort"
	"strings"

	"ganglion/inference/spelling"
)

// Error is everything that is wrong with one topology.
type Error struct {
	// File is what the topology was read from, as the reader was told it. Empty:
	// not from a file.
	File   string
	Faults []Fault // at least one; by line where there are lines
}

// Fault is one thing that is wrong with a topology.
type Fault struct {
	Path   string // the key it is about, such as "cloud.blocks[1].filters"; empty: the whole
	Line   int    // in Error.File, from 1; 0: not from a file, or about the whole of it
	Reason string // what is wrong and, after a colon, the way out
}

// maxFaultsShown keeps the text of an error readable; Error.Faults has all.
const maxFaultsShown = 32

// Error is one line per fault, each complete in itself: where, which key, what is
// wrong, and the way out.
func (e *Error) Error() string {
	var b strings.Builder
	for i, f := range e.Faults {
		if i > 0 {
			b.WriteByte('\n')
		}
		if i == maxFaultsShown {
			fmt.Fprintf(&b, "%s: %d more faults: correct these first", e.source(), len(e.Faults)-i)
			break
		}
		b.WriteString(e.source())
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
		}
		if f.Path != "" {
			fmt.Fprintf(&b, ": %s", f.Path)
		}
		fmt.Fprintf(&b, ": %s", f.Reason)
	}
	return b.String()
}

func (e *Error) source() string {
	if e.File == "" {
		return "topology"
	}
	return e.File
}

// checker collects faults.
type checker struct {
	faults []Fault
}

func (c *checker) addf(path, format string, args ...any) {
	c.faults = append(c.faults, Fault{Path: path, Reason: fmt.Sprintf(format, args...)})
}

// err is nil where there is no fault.
func (c *checker) err(file string) error {
	if len(c.faults) == 0 {
		return nil
	}
	sort.SliceStable(c.faults, func(i, j int) bool { return c.faults[i].Line < c.faults[j].Line })
	return &Error{File: file, Faults: c.faults}
}

// maxQuoted is the longest part of foreign text that is repeated in an error, in
// bytes.
const maxQuoted = 48

// quote repeats foreign text in an error: escaped, and cut where it is long.
func quote(s string) string {
	if len(s) <= maxQuoted {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q...", strings.ToValidUTF8(s[:maxQuoted], ""))
}

// suggest is the end of an error about a word that is not one of the known ones:
// the one that was probably meant, else all of them.
func suggest(word string, known []string) string {
	const most = 2 // bytes that may differ
	if i := spelling.NearestFold(word, known, most); i >= 0 {
		return fmt.Sprintf("did you mean %s?", known[i])
	}
	return "use " + oneOf(known)
}

// maxListed is the most alternatives that an error lists.
const maxListed = 16

// oneOf lists alternatives: "a, b or c".
func oneOf(words []string) string {
	if len(words) > maxListed {
		return fmt.Sprintf("%s or one of %d more", strings.Join(words[:maxListed], ", "), len(words)-maxListed)
	}
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
