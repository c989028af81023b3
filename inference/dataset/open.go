package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"ganglion/inference/topology"
)

// Options says how a data set is read. The zero value is a good default.
type Options struct {
	// Classes names the classes in the order of the labels. Of an image folder it
	// lists the class folders that may be there and gives them their order. Empty:
	// the names that doc.go says.
	Classes []string

	// Views names the views in the order of the view axis. Of an image folder it
	// lists the files that a sample may have and gives them their order, so that a
	// camera that has no file at all still has its place. Empty: the names that
	// doc.go says.
	Views []string

	// Input is the shape to which the pictures of an image folder are resized; it
	// has one channel (grey) or three (red, green, blue). A zero in it is the
	// default: 3 channels, 32 rows, 32 columns. Other sources have a shape of their
	// own and pay no attention.
	Input topology.Shape
}

// Open reads the data set that ref names: "street" (or "street:samples=N,seed=S")
// is the built-in scene, a file whose name ends in ".npz" a NumPy zip, a file or a
// directory of idx files (as of MNIST) those, which "tiles:RxC:PATH" cuts into a grid
// of tiles, and any other directory an image folder. Every fault of the content is an error of one line
// that names ref, the cause and the way out.
func Open(ref string, opts Options) (*Set, error) {
	set, err := open(ref, opts)
	if err != nil {
		return nil, fmt.Errorf("read data set %s: %w", ref, err)
	}
	return set, nil
}

func open(ref string, opts Options) (*Set, error) {
	if isStreet(ref) {
		return openStreet(ref, opts)
	}
	grid, ref, tiles, err := splitTiles(ref)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(ref)
	switch {
	case os.IsNotExist(err):
		return nil, fmt.Errorf("there is no such file or folder; give an .npz file, an image folder, idx files, or %q", streetName)
	case err != nil:
		return nil, fmt.Errorf("look at it: %w", pathless(err))
	}
	if pairs := idxPairs(ref, info.IsDir()); len(pairs) > 0 {
		return openIDX(pairs, baseName(ref), grid, opts)
	}
	switch {
	case tiles:
		return nil, fmt.Errorf("only idx files are cut into tiles, and it is none: they are called as train-images-idx3-ubyte, with .gz behind it or not")
	case info.IsDir():
		return openFolder(ref, opts)
	case !strings.EqualFold(filepath.Ext(ref), ".npz"):
		return nil, fmt.Errorf("it is neither a folder nor a file named .npz; give an .npz file, an image folder, idx files, or %q", streetName)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("it is not a regular file; copy it to one")
	}
	f, err := os.Open(ref)
	if err != nil {
		return nil, fmt.Errorf("open it: %w", pathless(err))
	}
	defer f.Close()
	return decodeNPZ(f, info.Size(), filepath.Base(ref), opts)
}

// baseName is the last part of a path, also of one like "." or "..".
func baseName(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return filepath.Base(path)
}

// pathless takes the path off a file system error whose message gets the path
// from elsewhere.
func pathless(err error) error {
	if pe := (*os.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// numberedNames is prefix0, prefix1, ...: names that agree with numbers counted
// from zero.
func numberedNames(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = prefix + strconv.Itoa(i)
	}
	return names
}

// DefaultViews is the names that n views have where nothing names them:
// camera0, camera1, ...
func DefaultViews(n int) []string { return numberedNames("camera", n) }
