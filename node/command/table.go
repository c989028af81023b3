package command

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"ganglion/inference/evaluation"
	"ganglion/inference/report"
)

// section is one table of a text report: a title, a row of column names, rows.
type section struct {
	title string
	names []string
	rows  [][]string
}

// add appends a row of as many cells as there are names.
func (s *section) add(cells ...string) { s.rows = append(s.rows, cells) }

// String is the section as text: the first column to the left, the others to the
// right, without lines between them.
func (s *section) String() string {
	w := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "   "
	style.Format.Header = text.FormatDefault
	w.SetStyle(style)

	w.AppendHeader(tableRow(s.names))
	for _, cells := range s.rows {
		w.AppendRow(tableRow(cells))
	}
	var columns []table.ColumnConfig
	for i := range s.names {
		align := text.AlignRight
		if i == 0 {
			align = text.AlignLeft
		}
		columns = append(columns, table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align})
	}
	w.SetColumnConfigs(columns)

	var out strings.Builder
	fmt.Fprintf(&out, "\n%s\n", s.title)
	for line := range strings.Lines(w.Render()) {
		fmt.Fprintf(&out, "  %s\n", strings.TrimRight(line, " \n"))
	}
	return out.String()
}

func tableRow(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = c
	}
	return row
}

// percent writes a share, a dash where there is none.
func percent(n evaluation.Number) string { return report.Percent(n) }

// byteCount writes a mean number of bytes, a dash where there is none.
func byteCount(n evaluation.Number) string { return report.Bytes(n) }

// interval writes a 95 % interval of a share.
func interval(i evaluation.Interval) string { return report.Interval(i) }

func syntheticText(synthetic bool) string { return report.Synthetic(synthetic) }

func splitText(split string) string { return report.Split(split) }
