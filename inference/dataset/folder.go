package dataset

import (
	"cmp"
	"fmt"
	"image"
	_ "image/jpeg" // a format that image.Decode knows
	_ "image/png"  // a format that image.Decode knows
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ganglion/inference/topology"
)

// maxPicturePixels is the largest picture that is decoded.
const maxPicturePixels = 64 << 20

// defaultInput is the shape of a folder's views where none is asked for.
var defaultInput = topology.Shape{Channels: 3, Rows: 32, Cols: 32}

// folder is the listing of an image folder: no picture was read yet.
type folder struct {
	classes []string
	views   []string
	samples []folderSample
}

type folderSample struct {
	name     string
	class    int
	pictures map[string]string // path by view name
}

func openFolder(root string, opts Options) (*Set, error) {
	shape := opts.Input
	shape.Channels = cmp.Or(shape.Channels, defaultInput.Channels)
	shape.Rows = cmp.Or(shape.Rows, defaultInput.Rows)
	shape.Cols = cmp.Or(shape.Cols, defaultInput.Cols)
	if err := checkResize(shape); err != nil {
		return nil, err
	}
	list, err := listFolder(root, opts)
	if err != nil {
		return nil, err
	}
	if err := checkShape(len(list.samples), len(list.views), shape); err != nil {
		return nil, err
	}
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	set := Set{
		Name: filepath.Base(root), Classes: list.classes, Views: list.views,
		Channels: shape.Channels, Rows: shape.Rows, Cols: shape.Cols,
		Pixels: make([]byte, 0, len(list.samples)*len(list.views)*shape.Size()),
	}
	frames := framesByName(list.samples)
	slices.SortStableFunc(list.samples, func(a, b folderSample) int {
		return cmp.Or(cmp.Compare(frames[a.name], frames[b.name]), cmp.Compare(a.class, b.class), naturalCompare(a.name, b.name))
	})
	for _, sample := range list.samples {
		set.Labels = append(set.Labels, sample.class)
		set.Frames = append(set.Frames, frames[sample.name])
		for _, view := range list.views {
			label := sample.class
			pixels, err := readPicture(sample.pictures[view], shape)
			if err != nil {
				return nil, err
			}
			if !topology.Nonzero.Present(pixels) {
				label = NotPresent
			}
			set.ViewLabels = append(set.ViewLabels, label)
			set.Pixels = append(set.Pixels, pixels...)
		}
	}
	return New(set)
}

// readPicture reads and resizes one picture; the empty path is nothing in view.
func readPicture(path string, shape topology.Shape) ([]byte, error) {
	if path == "" {
		return make([]byte, shape.Size()), nil
	}
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open picture: %w; repair it or remove it", err)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("picture %s is not a regular file; replace it", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open picture: %w; repair it or remove it", err)
	}
	defer f.Close()
	config, _, err := image.DecodeConfig(f)
	if err != nil {
		return nil, fmt.Errorf("picture %s is no png or jpeg, or damaged (%w); replace it, or remove it to say that nothing is in view", path, err)
	}
	if int64(config.Width)*int64(config.Height) > maxPicturePixels {
		return nil, fmt.Errorf("picture %s has %d x %d pixels, want at most %d million; shrink it", path, config.Width, config.Height, maxPicturePixels>>20)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("picture %s is damaged or cut short (%w); replace it, or remove it to say that nothing is in view", path, err)
	}
	pixels, err := Resize(img, shape)
	if err != nil {
		return nil, fmt.Errorf("picture %s: %w", path, err)
	}
	return pixels, nil
}

// listFolder walks root/class/sample/view.png.
func listFolder(root string, opts Options) (folder, error) {
	list := folder{classes: opts.Classes, views: opts.Views}
	found, err := subfolders(root)
	if err != nil {
		return list, err
	}
	if len(list.classes) == 0 {
		list.classes = found
	}
	views := make(map[string]bool)
	for _, class := range found {
		at := slices.Index(list.classes, class)
		if at < 0 {
			return list, fmt.Errorf("the folder %s is none of the classes %s; rename it, or name every class", class, strings.Join(list.classes, ", "))
		}
		samples, err := subfolders(filepath.Join(root, class))
		if err != nil {
			return list, err
		}
		for _, name := range samples {
			pictures, err := listSample(filepath.Join(root, class, name), opts.Views)
			if err != nil {
				return list, err
			}
			for view := range pictures {
				views[view] = true
			}
			list.samples = append(list.samples, folderSample{name, at, pictures})
		}
	}
	if len(list.samples) == 0 {
		return list, fmt.Errorf("it holds no folders class/sample; lay pictures out as class/sample/view.png")
	}
	if len(list.views) == 0 {
		for view := range views {
			list.views = append(list.views, view)
		}
		slices.SortFunc(list.views, naturalCompare)
	}
	return list, nil
}

// listSample finds the pictures of one sample, by view.
func listSample(dir string, known []string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list folder: %w", err)
	}
	pictures := make(map[string]string)
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		path := filepath.Join(dir, name)
		if !isPicture(name) {
			return nil, fmt.Errorf("%s is no picture; a sample folder holds one .png, .jpg or .jpeg for each view, convert it or move it away", path)
		}
		view := strings.TrimSuffix(name, filepath.Ext(name))
		if len(known) > 0 && !slices.Contains(known, view) {
			return nil, fmt.Errorf("%s is none of the views %s; rename it, or name every view", path, strings.Join(known, ", "))
		}
		if other, twice := pictures[view]; twice {
			return nil, fmt.Errorf("%s and %s are the same view of the same sample; remove one", other, path)
		}
		pictures[view] = path
	}
	return pictures, nil
}

func isPicture(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".png", ".jpg", ".jpeg":
		return true
	}
	return false
}

// subfolders lists the folders in a folder, in natural order. Hidden ones and
// files that are no pictures are passed over; a picture is in the wrong place.
func subfolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list folder: %w", err)
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		if isPicture(name) {
			return nil, fmt.Errorf("the picture %s is not in a sample folder; lay pictures out as class/sample/view.png", filepath.Join(dir, name))
		}
		info, err := os.Stat(filepath.Join(dir, name)) // follows links
		if err != nil {
			return nil, fmt.Errorf("list folder: %w", err)
		}
		if info.IsDir() {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, naturalCompare)
	return names, nil
}
