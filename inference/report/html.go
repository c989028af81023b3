package report

import (
	"bytes"
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strings"
)

// page is the HTML around what is found.
//
//go:embed page.html
var page string

// Document is everything that one HTML file shows.
type Document struct {
	Title   string
	Command string // that made it
	Facts   []Fact
	Tables  []Table // without a figure
	Figures []Figure
}

// shown is a figure as the page takes it.
type shown struct {
	Figure
	Picture template.HTML
	Wide    bool
	Number  int
}

// WriteHTML writes the document as one file without any request to elsewhere.
func (d *Document) WriteHTML(w io.Writer) error {
	parsed, err := template.New("page").Funcs(template.FuncMap{"first": func(i int) bool { return i == 0 }}).Parse(page)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	content := struct {
		*Document
		Shown []shown
	}{Document: d}
	for i, f := range d.Figures {
		content.Shown = append(content.Shown, shown{f, f.inline(), f.width > columnWidth, i + 1})
	}
	if err := parsed.Execute(w, content); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

var (
	prolog = regexp.MustCompile(`(?s)^.*?<svg [^>]*viewBox="([^"]*)"[^>]*>`)
	black  = regexp.MustCompile(`(stroke|fill):#000000`)
)

// inline is the figure for the middle of a page: without a ground, its ink the colour of
// the text.
func (f *Figure) inline() template.HTML {
	svg := f.svg(nil)
	opening := fmt.Sprintf(`<svg viewBox="$1" role="img" aria-label=%q style="max-width:%.0fpt">`, template.HTMLEscapeString(f.Title), 1.25*float64(f.width))
	svg = prolog.ReplaceAll(svg, []byte(opening))
	svg = black.ReplaceAll(svg, []byte("$1:currentColor"))
	// It was drawn here, from numbers and escaped text.
	return template.HTML(strings.TrimSpace(string(bytes.TrimSpace(svg)))) //nolint:gosec // our own drawing, whose text the canvas escapes
}
