package source

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // a format that image.Decode knows
	_ "image/png"  // a format that image.Decode knows
	"io"
	"os"
	"path/filepath"
	"strings"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// The largest picture that is read: of a file, and once it is decoded.
const (
	maxFileBytes     = 64 << 20
	maxPicturePixels = 64 << 20
)

var (
	errChanging   = errors.New("it changed while it was read")
	errNotRegular = errors.New("it is not a regular file")
)

// isPicture tells from its name whether a file is a picture that is looked at.
func isPicture(path string) bool {
	name := filepath.Base(path)
	if strings.HasPrefix(name, ".") {
		return false
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".png", ".jpg", ".jpeg":
		return true
	}
	return false
}

// readPicture reads a picture as the pixels [channel, row, col] of a shape.
func readPicture(path string, shape topology.Shape) ([]byte, error) {
	file, err := readStable(path)
	if err != nil {
		return nil, err
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("it is no png or jpeg, or damaged: %w", err)
	}
	if int64(config.Width)*int64(config.Height) > maxPicturePixels {
		return nil, fmt.Errorf("it has %d x %d pixels, more than %d million: shrink it", config.Width, config.Height, maxPicturePixels>>20)
	}
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("it is damaged or cut short: %w", err)
	}
	return dataset.Resize(img, shape)
}

// readStable reads a file that nobody writes to meanwhile.
func readStable(path string) ([]byte, error) {
	before, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() { // to open a pipe would block
		return nil, errNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(file) > maxFileBytes {
		return nil, fmt.Errorf("it has more than %d MiB: shrink it", maxFileBytes>>20)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) || after.Size() != int64(len(file)) {
		return nil, errChanging
	}
	return file, nil
}

// pathless takes the path off a file system error whose message gets it elsewhere.
func pathless(err error) error {
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}
