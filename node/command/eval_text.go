package command

import (
	"fmt"
	"strings"

	"ganglion/inference/evaluation"
	"ganglion/inference/report"
)

// reportText is a report for people.
func reportText(r *evaluation.Report) string {
	var out strings.Builder
	for _, fact := range report.Head(r) {
		fmt.Fprintf(&out, "%-8s  %s\n", fact.Name, clean(fact.Text))
	}
	for _, t := range report.Tables(r) {
		out.WriteString(tableText(t))
	}
	return out.String()
}

// tableText is one table of a report, with a line of space before it.
func tableText(t report.Table) string {
	s := section{title: t.Title, names: t.Names, rows: t.Rows}
	return s.String()
}
