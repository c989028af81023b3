package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"ganglion/inference/dataset"
)

// program is a nodetest.T where there is no test: faults end deploy, with what was waited
// for and the state of every node.
type program struct {
	ctx  context.Context //nolint:containedctx // as a test has it
	ends []func()
}

// fault is what Fatalf ends deploy with.
type fault struct{ error }

// Helper does nothing.
func (p *program) Helper() {}

// Context ends with the program.
func (p *program) Context() context.Context { return p.ctx }

// Cleanup has a function called at the end.
func (p *program) Cleanup(end func()) { p.ends = append(p.ends, end) }

// Fatalf does not return.
func (p *program) Fatalf(format string, args ...any) { panic(fault{fmt.Errorf(format, args...)}) }

// end ends all that was started, and turns a fault into an error.
func (p *program) end(err *error) {
	*err = errors.Join(*err, caught(recover()))
	for _, end := range slices.Backward(p.ends) {
		func() {
			defer func() { *err = errors.Join(*err, caught(recover())) }()
			end()
		}()
	}
}

// caught is the error of a fault; anything else that was panicked with goes on.
func caught(what any) error {
	if what == nil {
		return nil
	}
	if f, ok := what.(fault); ok {
		return f.error
	}
	panic(what)
}

// savePictures writes the only view of each sample as a picture, in the layout that package
// dataset reads: class/sample/view.png.
func (p *program) savePictures(set *dataset.Set) (dir string) {
	dir, err := os.MkdirTemp("", "ganglion-topologies-*")
	if err != nil {
		p.Fatalf("make a folder for pictures: %v", err)
	}
	p.Cleanup(func() { _ = os.RemoveAll(dir) })
	for i, label := range set.Labels {
		path := filepath.Join(dir, set.Classes[label], strconv.Itoa(i+1), set.Views[0]+".png")
		if err := savePicture(path, set.View(i, 0), set.Rows, set.Cols); err != nil {
			p.Fatalf("save picture: %v", err)
		}
	}
	return dir
}

// savePicture writes pixels [channel, row, col] as a PNG.
func savePicture(path string, pixels []byte, rows, cols int) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	img, plane := image.NewNRGBA(image.Rect(0, 0, cols, rows)), rows*cols
	for i := range plane {
		img.SetNRGBA(i%cols, i/cols, color.NRGBA{pixels[i], pixels[plane+i], pixels[2*plane+i], 255})
	}
	return png.Encode(f, img)
}
