package browsertest

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"slices"
)

// compact is a picture with at most 256 colours, which suffice for a page: a third of the bytes.
func compact(shot []byte) ([]byte, error) {
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	out := image.NewPaletted(img.Bounds(), palette(img))
	draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Src)
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out)
	return b.Bytes(), err
}

// palette is the commonest colours of a picture, as they are, and of the others first those that
// stand apart.
func palette(img image.Image) color.Palette {
	counts := map[color.RGBA]int{}
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			counts[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}]++
		}
	}
	order := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	const asTheyAre = 64
	var out color.Palette
	for _, c := range order[:min(len(order), asTheyAre)] {
		out = append(out, c)
	}
	for apart := 18; apart >= 0; apart -= 6 {
		for _, c := range order {
			if len(out) == 256 {
				return out
			}
			if !slices.ContainsFunc(out, func(o color.Color) bool { return near(o, c, apart) }) {
				out = append(out, c)
			}
		}
	}
	return out
}

// near reports whether two colours differ by no more than that in each part.
func near(a color.Color, b color.RGBA, apart int) bool {
	c, ok := a.(color.RGBA)
	differ := func(x, y uint8) bool { return int(x)-int(y) > apart || int(y)-int(x) > apart }
	return ok && !differ(c.R, b.R) && !differ(c.G, b.G) && !differ(c.B, b.B)
}
