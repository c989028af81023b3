package inference

import (
	"errors"
	"fmt"
	"slices"

	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// ErrNotElastic says that a network's weights are for its own views alone.
var ErrNotElastic = errors.New("its weights are for its own views alone")

// WithViews is a new bundle of the same network with further views after its own, which
// remembers this one as its parent. Nothing is trained: only the topology elastic, and those
// like it, have weights that fit any number of views; of any other the error is
// ErrNotElastic. Where more views are seen than the thresholds were chosen for, the one for
// the most views holds.
func (b *Bundle) WithViews(names []string) (*Bundle, error) {
	if !b.topology.Elastic() {
		return nil, fmt.Errorf("add views to bundle %s, topology %s: %w: train with the topology elastic, or with one whose device weights are shared and that concatenates nothing",
			b.id.Short(), b.topology.Name, ErrNotElastic)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("add views to bundle %s: none is named", b.id.Short())
	}
	wider := *b.topology
	wider.Views = slices.Concat(b.topology.Views, names)
	wider.Groups = topology.OneGroup(len(wider.Views))
	if err := wider.Validate(); err != nil {
		return nil, fmt.Errorf("add views to bundle %s: %w", b.id.Short(), err)
	}
	content := b.Content()
	content.Topology = topology.ToProto(&wider)
	if content.Provenance == nil {
		content.Provenance = new(modelpb.Provenance)
	}
	content.Provenance.Parent = b.id[:]
	return NewBundle(content)
}
