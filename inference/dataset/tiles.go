package dataset

import (
	"fmt"
	"strconv"
	"strings"

	"ganglion/inference/topology"
)

// Grid is how a picture is cut into tiles, each of which is a view.
type Grid struct{ Rows, Cols int }

// whole is the grid of a picture that is not cut.
var whole = Grid{1, 1}

// tileMargin is the pixels of black that a picture is given on each side before it is
// cut: 28 x 28 becomes 32 x 32, as in the reference implementation of the paper.
const tileMargin = 2

// tilesPrefix begins a reference to tiles.
const tilesPrefix = "tiles:"

// ParseGrid reads a grid as "2x3", rows first.
func ParseGrid(text string) (Grid, error) {
	rows, cols, found := strings.Cut(strings.ToLower(strings.TrimSpace(text)), "x")
	r, errRows := strconv.ParseUint(rows, 10, 8)
	c, errCols := strconv.ParseUint(cols, 10, 8)
	g := Grid{int(r), int(c)}
	if !found || errRows != nil || errCols != nil || g.check() != nil {
		return Grid{}, fmt.Errorf("%q is no grid; write rows x columns, as 2x3, with at most %d tiles", text, topology.MaxViews)
	}
	return g, nil
}

// String writes the grid as ParseGrid reads it.
func (g Grid) String() string { return fmt.Sprintf("%dx%d", g.Rows, g.Cols) }

// Views is the number of tiles.
func (g Grid) Views() int { return g.Rows * g.Cols }

// Ref is the reference with which [Open] cuts the pictures of a path.
func (g Grid) Ref(path string) string { return tilesPrefix + g.String() + ":" + path }

func (g Grid) check() error {
	if g.Rows < 1 || g.Cols < 1 || g.Rows > topology.MaxViews || g.Cols > topology.MaxViews || g.Views() > topology.MaxViews {
		return fmt.Errorf("a grid of %s has %d tiles, want 1 to %d", g, g.Views(), topology.MaxViews)
	}
	return nil
}

// place is the row and the column of a view: views are counted down each column, the
// left one first, as the reference implementation does.
func (g Grid) place(view int) (row, col int) { return view % g.Rows, view / g.Rows }

// names calls each tile for its place.
func (g Grid) names() []string {
	names := make([]string, g.Views())
	for v := range names {
		row, col := g.place(v)
		names[v] = fmt.Sprintf("r%dc%d", row, col)
	}
	return names
}

// splitTiles takes a reference apart; found is false for one that is not to tiles.
func splitTiles(ref string) (g Grid, path string, found bool, err error) {
	rest, found := strings.CutPrefix(ref, tilesPrefix)
	if !found {
		return whole, ref, false, nil
	}
	text, path, _ := strings.Cut(rest, ":")
	if g, err = ParseGrid(text); err == nil && path == "" {
		err = fmt.Errorf("it names no file or folder; write %s2x3:PATH", tilesPrefix)
	}
	return g, path, true, err
}

// tiling is a grid on pictures of a size.
type tiling struct {
	grid                     Grid
	pictureRows, pictureCols int
	rows, cols               int // of a tile
}

// newTiling sizes the tiles: all alike, what does not divide is cut off at the right and
// at the bottom if it is margin, and filled up with black if it is not.
func newTiling(g Grid, rows, cols int) tiling {
	side := func(pixels, parts int) int {
		padded := pixels + 2*tileMargin
		if padded%parts <= tileMargin {
			return padded / parts
		}
		return padded/parts + 1
	}
	return tiling{g, rows, cols, side(rows, g.Rows), side(cols, g.Cols)}
}

func (t tiling) shape() topology.Shape {
	return topology.Shape{Channels: 1, Rows: t.rows, Cols: t.cols}
}

// tile appends the pixels [row, col] of one view of a picture [row, col].
func (t tiling) tile(dst, picture []byte, view int) []byte {
	row, col := t.grid.place(view)
	for y := row*t.rows - tileMargin; y < (row+1)*t.rows-tileMargin; y++ {
		for x := col*t.cols - tileMargin; x < (col+1)*t.cols-tileMargin; x++ {
			pixel := byte(0)
			if y >= 0 && y < t.pictureRows && x >= 0 && x < t.pictureCols {
				pixel = picture[y*t.pictureCols+x]
			}
			dst = append(dst, pixel)
		}
	}
	return dst
}
