package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ganglion/inference/topology"
)

// Kind is a kind of source.
type Kind string

// The kinds.
const (
	KindReplay Kind = "replay" // a labelled data set, sample by sample
	KindImage  Kind = "image"  // a picture file, read anew when it changes
	KindFolder Kind = "folder" // a folder whose newest picture is what is seen
)

// Spec names a source, and the view that it feeds.
type Spec struct {
	Kind Kind
	Ref  string // data set, file or folder
	View string // name or number of the bundle's view; empty: not given
}

// String is the text that ParseSpec reads as the same Spec.
func (s Spec) String() string {
	text := string(s.Kind) + ":" + s.Ref
	if s.View != "" {
		text += "@" + s.View
	}
	return text
}

// ViewIn finds the view of a topology that the source was given, by its name or, where
// no view has that name, by its number from zero; given is false where the spec names
// none.
func (s Spec) ViewIn(t *topology.Topology) (view int, given bool, err error) {
	if s.View == "" {
		return 0, false, nil
	}
	if view = slices.Index(t.Views, s.View); view >= 0 {
		return view, true, nil
	}
	if view, err = strconv.Atoi(s.View); err == nil && view >= 0 && view < len(t.Views) {
		return view, true, nil
	}
	return 0, false, fmt.Errorf("find view %q for source %s: the network has no such view; name one of %s, or a number from 0 to %d",
		s.View, s, strings.Join(t.Views, ", "), len(t.Views)-1)
}

// ParseSpec reads a source's name: replay:REF, image:FILE, folder:FOLDER, or a bare
// data set, file or folder, whose kind is then recognized; @VIEW behind it names the
// view that it feeds. A bare folder that holds class/sample/view.png is a replay, any
// other is watched. Only for a bare path, and where an @ may be part of a path, the
// file system is looked at.
func ParseSpec(text string) (Spec, error) {
	s, err := parseSpec(strings.TrimSpace(text))
	if err != nil {
		return Spec{}, fmt.Errorf("read source %q: %w", text, err)
	}
	return s, nil
}

func parseSpec(text string) (Spec, error) {
	var s Spec
	ref := text
	if prefix, rest, ok := strings.Cut(text, ":"); ok && isKind(Kind(prefix)) {
		s.Kind, ref = Kind(prefix), rest
	}
	if at := strings.LastIndexByte(ref, '@'); at >= 0 && !exists(ref) {
		ref, s.View = ref[:at], ref[at+1:]
		if s.View == "" {
			return Spec{}, errors.New("no view stands behind the @: name one, or leave the @ out")
		}
		if len(s.View) > topology.MaxName || strings.ContainsAny(s.View, `/\`) {
			return Spec{}, fmt.Errorf("%q is no name of a view, and there is no file of that name", s.View)
		}
	}
	if s.Ref = ref; ref == "" {
		return Spec{}, errors.New("it names nothing: write street, a data set, a picture or a folder")
	}
	if s.Kind != "" {
		return s, nil
	}
	var err error
	s.Kind, err = recognize(ref)
	return s, err
}

func isKind(k Kind) bool { return k == KindReplay || k == KindImage || k == KindFolder }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// recognize tells the kind of a source from what is there.
func recognize(ref string) (Kind, error) {
	if ref == street || strings.HasPrefix(ref, street+":") {
		return KindReplay, nil
	}
	if strings.Contains(ref, "://") {
		return "", errStream
	}
	info, err := os.Stat(ref)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", errors.New("there is no such file or folder; write street, or a path to a data set, a picture or a folder")
	case err != nil:
		return "", fmt.Errorf("look at it: %w", pathless(err))
	case info.IsDir():
		return recognizeFolder(ref)
	case info.Mode()&os.ModeDevice != 0:
		return "", errStream
	case !info.Mode().IsRegular():
		return "", errors.New("it is neither a regular file nor a folder")
	case strings.EqualFold(filepath.Ext(ref), ".npz"):
		return KindReplay, nil
	case isPicture(ref):
		return KindImage, nil
	}
	return "", errors.New("it is neither an .npz data set nor a .png or .jpg picture")
}

// street is the name of the built-in scene.
const street = "street"

var errStream = errors.New("streams and video devices are not read: have a program write pictures to a folder, like `ffmpeg -i STREAM -update 1 -atomic_writing 1 FOLDER/now.jpg`, and name that folder")

// recognizeFolder tells an image data set, class/sample/view.png, from a folder that a
// camera writes to.
func recognizeFolder(ref string) (Kind, error) {
	for _, layout := range []struct {
		pattern string
		kind    Kind
	}{{"*", KindFolder}, {"*/*/*", KindReplay}} {
		found, err := fs.Glob(os.DirFS(ref), layout.pattern)
		if err != nil {
			return "", fmt.Errorf("list it: %w", err)
		}
		if slices.ContainsFunc(found, isPicture) {
			return layout.kind, nil
		}
	}
	return KindFolder, nil // empty as yet
}
