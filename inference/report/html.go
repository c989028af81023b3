package report

import (
	"bytes"
	_ "embed" // the style sheet
	"fmt"
	"html"
	"io"
	"strings"
)

// style is the style sheet of the page.
//
//go:embed page.css
var style string

// footnote is what holds for the whole page.
const footnote = "Intervals are Wilson's at 95 %. Accuracy is of the samples with a view left, where nothing else is said: a sample of which no view sees anything is not answered."

// Document is everything that one HTML file shows.
type Document struct {
	Title   string
	Command string // that made it
	Facts   []Fact
	Tables  []Table // without a figure
	Figures []Figure
}

// markup is HTML under way. It is written by hand, every text escaped where it goes in:
// html/template looks methods up by name, which keeps the linker from leaving out any
// method of the whole program, 10 MB of it.
type markup struct{ strings.Builder }

// add appends markup with texts in it, which are escaped.
func (m *markup) add(format string, texts ...string) {
	escaped := make([]any, len(texts))
	for i, t := range texts {
		escaped[i] = html.EscapeString(t)
	}
	fmt.Fprintf(&m.Builder, format, escaped...)
}

// WriteHTML writes the document as one file without any request to elsewhere.
func (d *Document) WriteHTML(w io.Writer) error {
	var m markup
	m.add(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%s</title>
<style>
`, d.Title)
	m.WriteString(style)
	m.add("</style>\n</head>\n<body>\n<header>\n<h1>%s</h1>\n<dl>\n", d.Title)
	if d.Command != "" {
		m.add("<dt>command</dt><dd><code>%s</code></dd>\n", d.Command)
	}
	for _, f := range d.Facts {
		m.add("<dt>%s</dt><dd>%s</dd>\n", f.Name, f.Text)
	}
	m.add("</dl>\n</header>\n")
	if len(d.Tables) > 0 {
		m.add("<section class=\"tables\">\n")
		for _, t := range d.Tables {
			m.table(t)
		}
		m.add("</section>\n")
	}
	for i := range d.Figures {
		m.figure(i+1, &d.Figures[i])
	}
	m.add("<footer>%s</footer>\n</body>\n</html>\n", footnote)
	if _, err := io.WriteString(w, m.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// figure is a figure with its caption, and its table beside it, or below a wide one.
func (m *markup) figure(number int, f *Figure) {
	class := "beside"
	if f.width > columnWidth {
		class = "wide"
	}
	m.add("<section id=\"%s\">\n<h2>Figure %s. %s</h2>\n<div class=\"%s\">\n<figure>\n", f.Name, fmt.Sprint(number), f.Title, class)
	m.WriteString(string(f.inline()))
	m.add("\n<figcaption>%s</figcaption>\n</figure>\n", f.Caption)
	m.table(f.Table)
	m.add("</div>\n</section>\n")
}

func (m *markup) table(t Table) {
	if len(t.Rows) == 0 {
		return
	}
	// Not a caption, which would be no wider than the table.
	m.add("<div class=\"table\">\n<h3>%s</h3>\n<div class=\"scroll\">\n<table aria-label=\"%s\">\n<thead><tr>", t.Title, t.Title)
	for _, name := range t.Names {
		m.add(`<th scope="col">%s</th>`, name)
	}
	m.add("</tr></thead>\n<tbody>\n")
	for _, row := range t.Rows {
		m.add("<tr>")
		for i, cell := range row {
			if i == 0 {
				m.add(`<th scope="row">%s</th>`, cell)
			} else {
				m.add("<td>%s</td>", cell)
			}
		}
		m.add("</tr>\n")
	}
	m.add("</tbody>\n</table>\n</div>\n</div>\n")
}

// inline is the figure for the middle of a page: without a ground, its ink the colour of
// the text. The canvas escapes the text in it, and opens with one tag.
func (f *Figure) inline() []byte {
	svg := f.svg(nil)
	_, svg, _ = bytes.Cut(svg, []byte("<svg "))
	tag, svg, _ := bytes.Cut(svg, []byte(">"))
	_, box, _ := bytes.Cut(tag, []byte(`viewBox="`))
	box, _, _ = bytes.Cut(box, []byte(`"`))
	var opening markup
	opening.add(`<svg viewBox="%s" role="img" aria-label="%s" style="max-width:%spt">`,
		string(box), f.Title, fmt.Sprintf("%.0f", 1.25*float64(f.width)))
	svg = append([]byte(opening.String()), svg...)
	for _, of := range []string{"stroke", "fill"} {
		svg = bytes.ReplaceAll(svg, []byte(of+":#000000"), []byte(of+":currentColor"))
	}
	return bytes.TrimSpace(svg)
}
