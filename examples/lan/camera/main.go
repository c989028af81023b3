// Command camera stands in for the program of a camera: each second it writes what one
// camera of the synthetic street scene sees into a folder, as the picture now.png.
//
//	camera FOLDER VIEW
//
// VIEW is the number of the camera, from 0. Which moment is seen goes by the clock, so that
// the cameras of one street see the same, also from several machines. Where nothing is in
// view there is no picture.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"ganglion/inference/dataset/street"
)

// moment is how long the street stays as it is.
const moment = time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "camera: %v\n", err)
		os.Exit(1)
	}
}

// run writes pictures until ctx is done.
func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("type camera FOLDER VIEW")
	}
	view, err := strconv.Atoi(args[1])
	if err != nil || view < 0 || view >= street.Views {
		return fmt.Errorf("there is no view %q: use 0 to %d", args[1], street.Views-1)
	}
	folder := args[0]
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	scene, err := street.Render(street.Default())
	if err != nil {
		return err
	}
	for {
		now := time.Now()
		sample := int(now.UnixNano()/int64(moment)) % len(scene.Labels)
		if err := show(scene, sample, view, folder); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(now.Truncate(moment).Add(moment))):
		}
	}
}

// show puts what a view sees of a sample into the folder, whole or not at all: the name
// changes hands at once.
func show(scene *street.Scene, sample, view int, folder string) error {
	name := filepath.Join(folder, "now.png")
	at := sample*street.Views + view
	if scene.ViewLabels[at] == street.NotPresent {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	var data bytes.Buffer
	if err := png.Encode(&data, picture(scene.Pixels[at*street.ViewBytes:(at+1)*street.ViewBytes])); err != nil {
		return err
	}
	aside := filepath.Join(folder, ".now.png")
	if err := os.WriteFile(aside, data.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(aside, name)
}

// picture is an image of pixels [channel, row, col].
func picture(pixels []byte) image.Image {
	const plane = street.Side * street.Side
	img := image.NewRGBA(image.Rect(0, 0, street.Side, street.Side))
	for i := range plane {
		img.SetRGBA(i%street.Side, i/street.Side, color.RGBA{pixels[i], pixels[plane+i], pixels[2*plane+i], 255})
	}
	return img
}
