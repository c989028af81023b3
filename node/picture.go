package node

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // pictures that are classified on demand
	_ "image/png"
)

// The limits of a picture that is classified on demand.
const (
	pictureBytesMax = 16 << 20
	pictureSideMax  = 16_384
)

// readPicture decodes a PNG or JPEG of bounded size.
func readPicture(file []byte) (image.Image, error) {
	if len(file) > pictureBytesMax {
		return nil, fmt.Errorf("%d bytes: at most %d are taken", len(file), pictureBytesMax)
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("not a PNG or JPEG picture: %w", err)
	}
	if c.Width > pictureSideMax || c.Height > pictureSideMax {
		return nil, fmt.Errorf("%d x %d pixels: at most %d x %d are taken", c.Width, c.Height, pictureSideMax, pictureSideMax)
	}
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("damaged picture: %w", err)
	}
	return img, nil
}
