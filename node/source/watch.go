package source

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// The pace of a camera's looks.
const (
	settle    = 20 * time.Millisecond // from the first change of a file to the look at it
	pollEvery = time.Second
	slowEvery = 10 * time.Second
	mostNames = 64 // of changed files between two looks; more, and the folder is listed
)

// watch tells the changes in one folder.
type watch struct {
	events <-chan fsnotify.Event
	errors <-chan error
	close  func() error
}

// machine is the system that a camera runs on.
func machine() system {
	return system{now: time.Now, watch: watchFolder, poll: pollEvery, slow: slowEvery}
}

func watchFolder(folder string) (*watch, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := w.Add(folder); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &watch{w.Events, w.Errors, w.Close}, nil
}

// Run notices changes of the picture or folder, until ctx is done.
func (c *Camera) Run(ctx context.Context) error {
	l := looker{camera: c, watched: true} // so that a folder that is not is told
	defer l.close()
	l.start()
	c.scan(true) // what changed before the folder was watched
	tick := time.NewTicker(c.system.poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.refit:
			c.scan(true)
		case event, ok := <-l.watch.events:
			l.changed(event, ok)
			continue
		case err := <-l.watch.errors:
			c.log.Debug("changes may have been missed", "source", c.spec.String(), "error", err)
			l.later(true)
			continue
		case <-l.settled:
			l.look()
		case <-tick.C:
			l.poll()
		}
		if c.system.looked != nil {
			c.system.looked()
		}
	}
}

// looker decides when a camera looks at what. It is Run's.
type looker struct {
	camera  *Camera
	watch   watch            // the zero value: the folder is not watched
	settled <-chan time.Time // when to look at names; nil: nothing has changed
	names   []string         // that changed since the last look
	all     bool             // any name may have
	watched bool             // the folder was watched when last tried
	listed  time.Time        // when the folder was last listed by poll
}

// start tries to have the folder watched.
func (l *looker) start() {
	c := l.camera
	w, err := c.system.watch(c.listing.folder)
	if err != nil {
		if l.watched {
			c.log.Info("folder cannot be watched, it is looked at now and then", "source", c.spec.String(), "every", c.system.poll.String(), "error", err)
		}
		l.watched = false
		return
	}
	l.watch, l.watched = *w, true
}

// changed notes a change of a file, or that the folder is not watched any more.
func (l *looker) changed(event fsnotify.Event, ok bool) {
	const gone = fsnotify.Remove | fsnotify.Rename
	listing := l.camera.listing
	name := filepath.Base(event.Name)
	switch {
	case !ok || event.Has(gone) && filepath.Clean(event.Name) == filepath.Clean(listing.folder):
		l.close()
		l.later(true)
	case event.Op == fsnotify.Chmod || !listing.has(name):
	default:
		l.names = append(l.names, name)
		l.later(len(l.names) >= mostNames)
	}
}

// later has the changes looked at when more may have come.
func (l *looker) later(all bool) {
	if all {
		l.all, l.names = true, l.names[:0]
	}
	if l.settled == nil {
		l.settled = time.After(settle)
	}
}

func (l *looker) look() {
	if l.all {
		l.camera.scan(true)
	} else {
		l.camera.consider(l.names)
	}
	l.settled, l.names, l.all = nil, l.names[:0], false
}

// poll lists the folder where nobody tells its changes, and now and then where
// somebody seems to. A picture that failed is tried again.
func (l *looker) poll() {
	c := l.camera
	if l.watch.events == nil {
		if l.start(); l.watch.events != nil {
			l.later(true) // what changed before it was watched
		}
	}
	now := c.system.now()
	if l.watch.events == nil || !c.failing.IsZero() || now.Sub(l.listed) >= c.system.slow {
		l.listed = now
		c.scan(false)
	}
}

func (l *looker) close() {
	if l.watch.close == nil {
		return
	}
	if err := l.watch.close(); err != nil {
		l.camera.log.Debug("watch does not end well", "source", l.camera.spec.String(), "error", err)
	}
	l.watch = watch{}
}
