package source

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ganglion/inference/topology"
)

// tellAfter is how long a picture may be unreadable before somebody is told: a writer
// that is at work has finished by then.
const tellAfter = 3 * time.Second

var errNotResized = errors.New("the picture is not yet of the shape that the new network takes")

// Camera is a live source: a picture, or the newest picture of a folder.
type Camera struct {
	spec    Spec
	listing listing
	log     *slog.Logger
	system  system
	refit   chan struct{} // has an element while a fit waits for Run

	// at is the picture that is shown, tried the one that could not be read, and
	// failing since when; told is whether that was said. They are Run's alone, and
	// before that of who opens the camera.
	at, tried candidate
	failing   time.Time
	told      bool

	mu       sync.RWMutex
	topology *topology.Topology // that the pictures are for
	shape    topology.Shape     // of pixels
	pixels   []byte             // [channel, row, col]; nil: no good picture
	nothing  bool               // no picture is there
	trouble  error              // why the newest picture is not shown; nil: it is
}

// system is what a camera has from its machine, so that tests may have another.
type system struct {
	now    func() time.Time
	watch  func(folder string) (*watch, error)
	poll   time.Duration // between looks where the folder is not watched
	slow   time.Duration // between looks where it is
	looked func()        // called after each look of Run; nil: nothing
}

func openCamera(spec Spec, config Config, machine system) (*Camera, error) {
	t := config.Bundle.Topology()
	if _, _, err := spec.ViewIn(t); err != nil {
		return nil, err
	}
	c := &Camera{
		spec: spec, listing: listing{folder: spec.Ref}, log: config.Log, system: machine,
		refit: make(chan struct{}, 1), topology: t,
	}
	info, err := os.Stat(spec.Ref)
	switch {
	case err != nil:
		return nil, fmt.Errorf("open source %s: %w: give the path of a picture or folder that is there", spec, pathless(err))
	case spec.Kind == KindFolder && !info.IsDir():
		return nil, fmt.Errorf("open source %s: it is not a folder: a single picture is image:%s", spec, spec.Ref)
	case spec.Kind == KindImage && !info.Mode().IsRegular():
		return nil, fmt.Errorf("open source %s: it is not a regular file: a folder is folder:%s", spec, spec.Ref)
	}
	if spec.Kind == KindImage {
		c.listing = listing{folder: filepath.Dir(spec.Ref), only: filepath.Base(spec.Ref)}
	}
	if err := c.Fit(t); err != nil {
		return nil, err
	}
	c.scan(true)
	return c, nil
}

// Live is true.
func (c *Camera) Live() bool { return true }

// Fit has pictures resized to the topology's input. Where its shape is another, the
// view has a fault until Run has read the picture anew.
func (c *Camera) Fit(t *topology.Topology) error {
	if n := t.Input.Channels; n != 1 && n != 3 {
		return fmt.Errorf("source %s: pictures have 1 channel or 3, the network takes %d: replay a data set instead", c.spec, n)
	}
	c.mu.Lock()
	c.topology = t
	c.mu.Unlock()
	select {
	case c.refit <- struct{}{}:
	default:
	}
	return nil
}

// Pixels is what the camera sees; ref and view play no part. See [Source].
func (c *Camera) Pixels(_, _ int) (pixels []byte, seen Look, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	switch {
	case c.nothing:
		return nil, Nothing, nil
	case c.pixels == nil:
		return nil, Fault, c.trouble
	case c.shape != c.topology.Input:
		return nil, Fault, fmt.Errorf("source %s: %w", c.spec, errNotResized)
	case !c.topology.Presence.Present(c.pixels):
		return nil, Nothing, nil
	}
	return c.pixels, Seen, nil
}

// Trouble says why the newest picture is not what is seen, once that has lasted; nil
// where it is.
func (c *Camera) Trouble() error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.trouble
}

// scan looks for the newest picture. With force it is read even if its entry has not
// changed.
func (c *Camera) scan(force bool) {
	const tries = 3 // a file may vanish between the listing and the reading
	for range tries {
		newest, err := c.listing.newest()
		switch {
		case err != nil:
			c.failed(candidate{}, fmt.Errorf("look into folder %s: %w", c.listing.folder, pathless(err)))
			return
		case newest.name == "":
			c.show(newest, nil, topology.Shape{})
			return
		}
		if !c.take(newest, force) {
			return
		}
	}
}

// consider looks at those files that changed; their names may repeat.
func (c *Camera) consider(names []string) {
	var newest candidate
	for _, name := range names {
		found, ok := c.listing.stat(name)
		if !ok {
			if name == c.at.name || name == c.tried.name {
				c.scan(true)
				return
			}
			continue
		}
		if newest.name == "" || found.newer(newest) {
			newest = found
		}
	}
	if newest.name != "" && (newest.name == c.at.name || newest.newer(c.at)) {
		if c.take(newest, true) {
			c.scan(true)
		}
	}
}

// take shows a picture, unless it is the one that is shown, or that is known not to be
// readable. It returns true where the file is gone.
func (c *Camera) take(p candidate, force bool) (gone bool) {
	c.mu.RLock()
	shape, shown := c.topology.Input, c.shape
	good := c.pixels != nil
	c.mu.RUnlock()
	unchanged := good && p.same(c.at) && shape == shown
	hopeless := c.told && p.same(c.tried)
	if !force && (unchanged || hopeless) {
		if unchanged {
			c.recovered()
		}
		return false
	}
	path := filepath.Join(c.listing.folder, p.name)
	pixels, err := readPicture(path, shape)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true
	case err != nil:
		c.failed(p, fmt.Errorf("read picture %s: %w", path, pathless(err)))
		return false
	}
	c.show(p, pixels, shape)
	return false
}

// show makes a picture what the camera sees, or nil: that there is none.
func (c *Camera) show(p candidate, pixels []byte, shape topology.Shape) {
	c.at = p
	c.mu.Lock()
	c.pixels, c.shape, c.nothing = pixels, shape, pixels == nil
	c.mu.Unlock()
	c.recovered()
}

// recovered notes that the newest picture is what is seen.
func (c *Camera) recovered() {
	if c.told {
		c.log.Info("source can be read again", "source", c.spec.String(), "after", c.system.now().Sub(c.failing).Round(time.Second).String())
	}
	c.tried, c.failing, c.told = candidate{}, time.Time{}, false
	c.mu.Lock()
	c.trouble = nil
	c.mu.Unlock()
}

// failed notes that the newest picture cannot be read, and says so once that has
// lasted. The last good picture stays; but where there was none, or where the folder
// itself cannot be read, what is in view is not known then.
func (c *Camera) failed(p candidate, err error) {
	now := c.system.now()
	c.tried = p
	if c.failing.IsZero() {
		c.failing = now
	}
	lasts := now.Sub(c.failing) >= tellAfter
	c.mu.Lock()
	if lasts {
		c.nothing = false
		if p.name == "" {
			c.pixels = nil
		}
	}
	blind := c.pixels == nil && !c.nothing
	if lasts || blind {
		c.trouble = fmt.Errorf("source %s: %w", c.spec, err)
	}
	c.mu.Unlock()
	if lasts && !c.told {
		c.told = true
		c.log.Warn("source cannot be read", "source", c.spec.String(), "last_picture_kept", !blind, "error", err)
	}
}
