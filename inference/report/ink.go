package report

import (
	"image/color"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The colours of Okabe and Ito. Ink is black, which the HTML replaces by the colour of
// its text.
var (
	ink       = color.NRGBA{A: 255}
	muted     = color.NRGBA{R: 0x80, G: 0x80, B: 0x80, A: 255}
	faint     = color.NRGBA{R: 0x80, G: 0x80, B: 0x80, A: 0x48}
	blue      = color.NRGBA{R: 0x00, G: 0x72, B: 0xB2, A: 255}
	vermilion = color.NRGBA{R: 0xD5, G: 0x5E, B: 0x00, A: 255}
	green     = color.NRGBA{R: 0x00, G: 0x9E, B: 0x73, A: 255}
	sky       = color.NRGBA{R: 0x56, G: 0xB4, B: 0xE9, A: 255}
	purple    = color.NRGBA{R: 0xCC, G: 0x79, B: 0xA7, A: 255}
)

// The sizes of a figure's parts.
const (
	columnWidth = vg.Length(88 * vg.Millimeter)
	pageWidth   = vg.Length(180 * vg.Millimeter)
	lineWidth   = vg.Length(1.1)
	thinLine    = vg.Length(0.6)
	glyphRadius = vg.Length(2.2)
	textSize    = vg.Length(8)
	smallText   = vg.Length(7)
)

// look is how one quantity looks in every figure.
type look struct {
	color  color.NRGBA
	glyph  draw.GlyphDrawer // nil: none
	dashes []vg.Length      // nil: solid
	bare   bool             // markers without a line between them
}

// The looks of what is shown in several figures.
func overallLook() look { return look{color: blue, glyph: draw.CircleGlyph{}} }

func localLook() look {
	return look{color: vermilion, glyph: draw.BoxGlyph{}, dashes: []vg.Length{4, 1.5}}
}

func cloudLook() look {
	return look{color: green, glyph: draw.PyramidGlyph{}, dashes: []vg.Length{1.5, 1.5}}
}

func edgeLook() look {
	return look{color: purple, glyph: draw.TriangleGlyph{}, dashes: []vg.Length{4, 1.5, 1, 1.5}}
}

func aloneLook() look { return look{color: muted, glyph: draw.CrossGlyph{}, bare: true} }

func (l look) line() draw.LineStyle {
	return draw.LineStyle{Color: l.color, Width: lineWidth, Dashes: l.dashes}
}

func (l look) marker() draw.GlyphStyle {
	return draw.GlyphStyle{Color: l.color, Radius: glyphRadius, Shape: l.glyph}
}

// shade is the colour of a band.
func shade(c color.NRGBA) color.NRGBA {
	c.A = 0x30
	return c
}

// lettering is the style of text of a size, in the colour of ink.
func lettering(handler text.Handler, size vg.Length, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{
		Color: ink, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign: x, YAlign: y, Handler: handler,
	}
}
