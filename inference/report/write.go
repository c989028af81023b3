package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"ganglion/inference/durable"
	"ganglion/inference/evaluation"
)

// PageName is the name of the HTML file in a folder of figures.
const PageName = "report.html"

// NewDocument is a document on an evaluation, and on the comparisons that go with it.
// The evaluation may be nil. command is what made it.
func NewDocument(command string, r *evaluation.Report, comparisons ...*evaluation.Comparison) *Document {
	d := &Document{Title: "Comparison of networks", Command: command}
	if r != nil {
		d.Title = fmt.Sprintf("Evaluation of bundle %.12s on %s", r.Bundle, r.Data)
		d.Facts = append(Head(r), Fact{"data digest", r.DataHash})
		d.Figures = Figures(r)
		// What no figure has beside it stands by itself: the page has all that a terminal prints.
		d.Tables = slices.DeleteFunc(Tables(r), func(t Table) bool {
			return slices.ContainsFunc(d.Figures, func(f Figure) bool { return f.Table.Title == t.Title })
		})
	}
	for _, c := range comparisons {
		d.Facts = append(d.Facts, comparisonFacts(c)...)
		if r == nil || c.DataHash != r.DataHash {
			d.Facts = append(d.Facts, Fact{"data digest", c.DataHash})
		}
		d.append(ComparisonFigure(c))
	}
	return d
}

// append adds a figure. Of several of one name, files and places in the page are told
// apart by a number.
func (d *Document) append(f Figure) {
	name := f.Name
	for n := 2; slices.ContainsFunc(d.Figures, func(other Figure) bool { return other.Name == f.Name }); n++ {
		f.Name = fmt.Sprintf("%s-%d", name, n)
	}
	d.Figures = append(d.Figures, f)
}

// comparisonFacts says what networks a comparison is of.
func comparisonFacts(c *evaluation.Comparison) []Fact {
	facts := []Fact{{c.By, fmt.Sprintf("%d networks, seed %d, at most %d epochs, on %s%s: %d test samples, frames %s",
		len(c.Networks), c.Seed, c.Epochs, c.Data, Synthetic(c.Synthetic), c.Samples, c.Frames)}}
	for i := range c.Networks {
		n := &c.Networks[i]
		facts = append(facts, Fact{"bundle " + nameOf(c, n), n.Bundle})
	}
	return facts
}

// Write writes every figure of the document into a folder, as SVG and as PNG, and the
// document itself as PageName. The folder is made if it is not there; files of the same
// names are replaced, others are left alone. It returns the names of the files.
func (d *Document) Write(folder string) (files []string, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("write figures: %w; name a folder that can be made", err)
	}
	put := func(name string, write func(*bytes.Buffer) error) error {
		var content bytes.Buffer
		if err := write(&content); err != nil {
			return err
		}
		if err := durable.WriteFile(filepath.Join(folder, name), content.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write figures: %w", err)
		}
		files = append(files, name)
		return nil
	}
	for i := range d.Figures {
		f := &d.Figures[i]
		if err := put(f.Name+".svg", func(w *bytes.Buffer) error { return f.WriteSVG(w) }); err != nil {
			return files, err
		}
		if err := put(f.Name+".png", func(w *bytes.Buffer) error { return f.WritePNG(w) }); err != nil {
			return files, err
		}
	}
	return files, put(PageName, func(w *bytes.Buffer) error { return d.WriteHTML(w) })
}
