package wire

import (
	"errors"

	"ganglion/inference/topology"
	"ganglion/roles"
)

// ErrMalformed is in every error of a decoder: the bytes are not what any node of this
// version sends. Whoever sent them runs another program, or lies.
var ErrMalformed = errors.New("malformed message")

// Limits is what the loaded bundles let others send. A field that is zero stands for the
// most that the format allows.
type Limits struct {
	Views        int // of a site
	Groups       int // of a site
	Classes      int // scores of one view or exit
	FeatureBytes int // features of one source, or pixels of one view
}

// The most that the format allows. Lists of a frame are bounded by its size besides: an
// item takes at least a sixteenth of the memory that it is given.
const (
	maxPeerBytes    = 128
	maxFeatureBytes = topology.MaxFilters * topology.MaxSide * topology.MaxSide / 8
	maxMessages     = 4096          // of a parcel
	maxNames        = 4096          // of each sort in a frame
	maxItems        = 1024          // samples of a batch, seals
	maxSamples      = roles.MaxOpen // identifiers alone
	maxProposals    = 2*roles.MaxViews + 1
	maxLines        = roles.LogVerdicts // of an answer from a verdict log
	maxClaims       = 1024              // of one node
	maxBundles      = 256               // that one node has loaded
	maxWants        = roles.MaxViews    // sources that want a view: more get none
	maxVersionBytes = 64
	maxSplitBytes   = 64
	maxRef          = 1<<31 - 1 // element of a data set
)

// formatLimits is the most that the format allows.
func formatLimits() Limits {
	return Limits{
		Views: roles.MaxViews, Groups: roles.MaxViews, Classes: topology.MaxClasses, FeatureBytes: maxFeatureBytes,
	}
}

// orFormat fills in what is zero, and what is beyond the format.
func (l Limits) orFormat() Limits {
	of := func(v, most int) int {
		if v <= 0 {
			return most
		}
		return min(v, most)
	}
	f := formatLimits()
	return Limits{
		Views: of(l.Views, f.Views), Groups: of(l.Groups, f.Groups),
		Classes: of(l.Classes, f.Classes), FeatureBytes: of(l.FeatureBytes, f.FeatureBytes),
	}
}
