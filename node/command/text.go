package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// style is how a piece of text looks on a terminal with colours.
type style string

// The styles, as the parameters of ECMA-48's SGR sequence.
const (
	plain  style = ""
	strong style = "1"
	faint  style = "2"
	good   style = "32"
	middle style = "33"
	bad    style = "31"
)

// coloured reports whether colours are wanted: w is a terminal, and NO_COLOR is not set
// (no-color.org).
func coloured(w io.Writer) bool {
	return terminalWidth(w) > 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// cell is a piece of text. What comes from elsewhere may hold anything: it is printed by
// way of a cell, which has no character that moves the cursor.
type cell struct {
	text  string
	style style
}

// joined is what is not empty, with commas.
func joined(parts ...string) cell {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return cell{text: strings.Join(some, ", ")}
}

// clean has a question mark where a character cannot be printed.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// width is the columns that the cell takes, in a font where each character takes one.
func (c cell) width() int { return utf8.RuneCountInString(clean(c.text)) }

// String is the cell without colours.
func (c cell) String() string { return clean(c.text) }

// write appends the cell, padded to a width: to the left of the padding or, for numbers, to
// its right.
func (c cell) write(out *strings.Builder, width int, right, colours bool) {
	padding := strings.Repeat(" ", max(0, width-c.width()))
	text := clean(c.text)
	if colours && c.style != plain && text != "" {
		text = "\x1b[" + string(c.style) + "m" + text + "\x1b[0m"
	}
	if right {
		text, padding = padding, text
	}
	out.WriteString(text)
	out.WriteString(padding)
}

// listing is rows below a row of names. Columns that are empty in every row are left out.
type listing struct {
	names []string
	right map[int]bool // columns of numbers
	rows  [][]cell
}

// add appends a row of as many cells as there are names.
func (l *listing) add(cells ...cell) { l.rows = append(l.rows, cells) }

// write appends the listing, indented.
func (l *listing) write(out *strings.Builder, indent string, colours bool) {
	widths := make([]int, len(l.names))
	last := 0
	for i, name := range l.names {
		for _, row := range l.rows {
			widths[i] = max(widths[i], row[i].width())
		}
		if widths[i] > 0 {
			widths[i] = max(widths[i], utf8.RuneCountInString(name))
			last = i
		}
	}
	heads := make([]cell, len(l.names))
	for i, name := range l.names {
		heads[i] = cell{name, faint}
	}
	for _, row := range append([][]cell{heads}, l.rows...) {
		var line strings.Builder
		for i, c := range row {
			switch {
			case widths[i] == 0:
			case i == last && !l.right[i]:
				c.write(&line, 0, false, colours)
			case i == last:
				c.write(&line, widths[i], true, colours)
			default:
				c.write(&line, widths[i], l.right[i], colours)
				line.WriteString("  ")
			}
		}
		out.WriteString(indent + strings.TrimRight(line.String(), " ") + "\n")
	}
}

// facts is lines of a name and what is to say of it.
type facts struct {
	out     strings.Builder
	colours bool
	width   int // of the names
}

// add appends a line; of neighbouring lines of one name, only the first shows it.
func (f *facts) add(name string, says ...cell) {
	cell{name, faint}.write(&f.out, f.width, false, f.colours)
	f.out.WriteString("  ")
	for _, c := range says {
		c.write(&f.out, 0, false, f.colours)
	}
	f.out.WriteString("\n")
}

// addf appends a line.
func (f *facts) addf(name, format string, args ...any) {
	f.add(name, cell{text: fmt.Sprintf(format, args...)})
}

// milliseconds writes a duration in ms, with as many digits as are of use, or in µs.
func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d > 0 && d < 100*time.Microsecond:
		return fmt.Sprintf("%.0f µs", 1000*ms)
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}

// roughly writes a long duration in its two largest units.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	const day = 24 * time.Hour
	return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
}

// size writes a number of bytes.
func size(bytes uint64) string {
	switch {
	case bytes < 10<<10:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 10<<20:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	case bytes < 10<<30:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}

// shortID is the beginning of an identifier in hexadecimal, as errors show it too.
func shortID(id string) string { return id[:min(12, len(id))] }
