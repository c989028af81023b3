package report

import (
	"fmt"
	"math"

	"ganglion/inference/evaluation"
)

// Table is rows of text below a row of names.
type Table struct {
	Title string
	Names []string   // of the columns
	Rows  [][]string // each with as many cells as there are names
}

// add appends a row.
func (t *Table) add(cells ...string) { t.Rows = append(t.Rows, cells) }

// none stands where there is nothing to say.
const none = "-"

// Percent writes a share, a dash where there is none.
func Percent(n evaluation.Number) string {
	if math.IsNaN(float64(n)) {
		return none
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n))
}

// Bytes writes a mean number of bytes, a dash where there is none.
func Bytes(n evaluation.Number) string {
	if math.IsNaN(float64(n)) {
		return none
	}
	return fmt.Sprintf("%.1f", float64(n))
}

// Interval writes a 95 % interval of a share, a dash where there is none.
func Interval(i evaluation.Interval) string {
	if math.IsNaN(float64(i[0])) {
		return none
	}
	return fmt.Sprintf("%.1f to %.1f %%", 100*float64(i[0]), 100*float64(i[1]))
}

// optional writes a share that may not be there.
func optional(n *evaluation.Number) string {
	if n == nil {
		return none
	}
	return Percent(*n)
}

// weight writes a number of samples, which may be part of one.
func weight(n evaluation.Number) string {
	if n == evaluation.Number(math.Trunc(float64(n))) {
		return fmt.Sprintf("%.0f", float64(n))
	}
	return fmt.Sprintf("%.1f", float64(n))
}
