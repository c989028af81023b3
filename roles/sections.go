package roles

import (
	"ganglion/inference"
	"ganglion/inference/topology"
)

// Network runs the sections above the devices' of one bundle. Slices that it returns are
// the caller's.
type Network interface {
	// Local aggregates the scores [view][class] of a group's seen views.
	Local(group int, scores [][]float32, seen uint64) []float32
	// Edge runs a group's edge section on the features [view] of its seen views; the
	// scores are nil where the edge has no exit.
	Edge(group int, features [][]byte, seen uint64) (out []byte, scores []float32)
	// Cloud runs the last section on the features of the seen sources: views, or groups
	// where there is an edge tier.
	Cloud(features [][]byte, seen uint64) []float32
}

// Bundled is a bundle that a node has loaded, under one version of the settings.
type Bundled struct {
	Topology   *topology.Topology
	Thresholds inference.Thresholds
	Network    Network
}

// hasView reports whether a view is one of a group: a node may hear of samples of a bundle that
// has fewer of either than the one that its parts were made for.
func (b *Bundled) hasView(group, view int) bool {
	return group < len(b.Topology.Groups) && b.Topology.GroupMask(group)>>view&1 == 1
}

// Catalog finds loaded bundles under a version of the settings: nil where a node lacks the
// bundle or does not know those thresholds. Version 0 is the bundle as it was made.
type Catalog func(bundle inference.BundleID, settings uint64) *Bundled

// network is a bundle for whoever does not judge by its thresholds: to compute what an exit
// says a node needs to know of none.
func (c Catalog) network(bundle inference.BundleID) *Bundled { return c(bundle, 0) }

// Model is what a sample is of: a bundle under one version of the settings.
type Model struct {
	Bundle   inference.BundleID
	Settings uint64
}

// ModelNetwork is a Network that runs a model. It has one owner.
type ModelNetwork struct {
	model   *inference.Model
	scratch *inference.Scratch
	views   []*inference.Output // [view], of deployment (a)
}

// NewModelNetwork makes room to run a model.
func NewModelNetwork(m *inference.Model) *ModelNetwork {
	n := &ModelNetwork{model: m, scratch: m.NewScratch()}
	if m.Topology().Device.Raw {
		for range m.Topology().Views {
			n.views = append(n.views, m.NewOutput())
		}
	}
	return n
}

// Local is described at Network.
func (n *ModelNetwork) Local(group int, scores [][]float32, seen uint64) []float32 {
	out := make([]float32, len(n.model.Topology().Classes))
	n.model.Local(group, out, scores, seen, n.scratch)
	return out
}

// Edge is described at Network.
func (n *ModelNetwork) Edge(group int, features [][]byte, seen uint64) ([]byte, []float32) {
	out := n.model.NewEdgeOutput()
	n.model.Edge(group, features, seen, out, n.scratch)
	return out.Features, out.Scores
}

// Cloud is described at Network. In deployment (a) the features are raw pixels, and the
// device sections are run here.
func (n *ModelNetwork) Cloud(features [][]byte, seen uint64) []float32 {
	if n.views != nil {
		pixels := features
		features = make([][]byte, len(pixels))
		for v := range each(seen) {
			n.model.Device(v, pixels[v], n.views[v], n.scratch)
			features[v] = n.views[v].Features
		}
	}
	out := make([]float32, len(n.model.Topology().Classes))
	n.model.Cloud(out, features, seen, n.scratch)
	return out
}

// propose is what an exit answers from its scores.
func propose(exit topology.Exit, group int, views uint64, scores []float32) *inference.Proposal {
	return &inference.Proposal{
		Exit: exit, Group: group, Seen: countOf(views), Scores: scores,
		Class: inference.ArgMax(scores), Entropy: inference.NormalizedEntropy(scores),
	}
}
