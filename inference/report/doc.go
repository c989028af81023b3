// Package report shows what an evaluation found: as tables, as figures like those of
// the paper (Teerapittayanon, McDanel, Kung, ICDCS 2017), and as one HTML file with all
// of them.
//
// # Concepts
//
// A [Table] is rows of text below names. A [Figure] is a picture with a caption, and the
// table of what it shows. Tables are made once: what a terminal prints and what stands
// beside a figure are the same text, from the same [evaluation.Report].
//
// Figures are drawn in the width of a column (88 mm) or of a page (180 mm), in colours
// that people who see fewer colours can tell apart (Okabe and Ito, Color universal
// design, 2008), with markers and dashes that say the same without colours. Shares come
// with Wilson's interval at 95 %.
//
// # The HTML
//
// One file without a script, without any request to elsewhere, and without a date, so
// that the same results make the same bytes. Pictures are inline SVG whose ink is the
// text's, on light and on dark; on paper it is black.
//
// # Limits
//
// Pictures are the same on every machine but for the last digits of coordinates. SVG
// names a font (Liberation Sans, else Arial or what stands for it) and does not carry
// it.
package report
