package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// Look is what came of looking at a view.
type Look uint8

// The outcomes of a look.
const (
	Fault   Look = iota // the source could not look: the view is missing
	Nothing             // nothing is in view, by the presence rule or because no picture is there
	Seen                // there are pixels
)

func (l Look) String() string {
	switch l {
	case Fault:
		return "fault"
	case Nothing:
		return "nothing in view"
	case Seen:
		return "seen"
	}
	return fmt.Sprintf("unknown(%d)", uint8(l))
}

// Source is where the pictures of a node's view come from: a [*Replay] or a [*Camera].
type Source interface {
	// Run notices changes. It blocks until ctx is done, and returns nil then. What was
	// there when the source was opened is seen without it.
	Run(ctx context.Context) error

	// Live tells whether the source shows the present, and so cannot show a beat that
	// has passed. A live source pays no attention to ref and view.
	Live() bool

	// Pixels is what a view saw of a sample: with Seen the pixels [channel, row, col] of
	// the topology's input, which must not be written to; with Fault the reason as err.
	// It does not block.
	Pixels(ref, view int) (pixels []byte, seen Look, err error)

	// Fit has the source serve a network of this topology from now on. An error says why
	// it cannot, and leaves it as it was.
	Fit(t *topology.Topology) error
}

// Splits of a replayed data set, as the configuration names them.
const (
	SplitTest = "test" // what the bundle remembers as its test part
	SplitAll  = "all"  // every sample
)

// Config is what a source needs to know of its node.
type Config struct {
	Bundle *inference.Bundle // the network that the pictures are for
	Split  string            // of a replay; empty: SplitTest
	Log    *slog.Logger      // nil: nobody is told
}

// Open opens a source. A picture or folder must be there, a data set must fit the
// bundle; what a camera shows may be broken or absent as yet.
func Open(spec Spec, config Config) (Source, error) {
	if config.Bundle == nil {
		return nil, errors.New("open source: no bundle says what it is for")
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	switch spec.Kind {
	case KindReplay:
		return openReplay(spec, config)
	case KindImage, KindFolder:
		return openCamera(spec, config, machine())
	}
	return nil, fmt.Errorf("open source %s: kind %q is not known: use %s, %s or %s", spec, string(spec.Kind), KindReplay, KindImage, KindFolder)
}
