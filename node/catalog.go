package node

import (
	"sync/atomic"

	"ganglion/inference"
	"ganglion/node/metrics"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// maxLoaded is how many bundles a node has loaded at once: the one in use, those that the
// present run was of, and the one that comes next.
const maxLoaded = 8

// catalog is the bundles that the engine can run, under all thresholds that it knows, and
// what they let others send.
type catalog struct {
	loaded map[inference.BundleID]*bundled
	order  []inference.BundleID // as loaded
	bounds atomic.Pointer[wire.Limits]

	metrics *metrics.Metrics // times sections

	versions versions // thresholds beside the bundles' own
}

// bundled is a bundle as the step machines use it.
type bundled struct {
	*roles.Bundled
	bundle  *inference.Bundle
	scratch *inference.Scratch // of the device sections
	output  *inference.Output

	under map[uint64]*roles.Bundled // by settings, under other thresholds than its own
}

// load makes a bundle ready to run; the oldest but the one in use makes room.
func (c *catalog) load(b *inference.Bundle, inUse inference.BundleID) {
	if c.loaded == nil {
		c.loaded = map[inference.BundleID]*bundled{}
	}
	if c.loaded[b.ID()] != nil {
		return
	}
	if len(c.order) >= maxLoaded {
		for i, id := range c.order {
			if id != inUse {
				delete(c.loaded, id)
				c.order = append(c.order[:i:i], c.order[i+1:]...)
				break
			}
		}
	}
	m := b.Model()
	one := &bundled{
		Bundled: &roles.Bundled{Topology: b.Topology(), Thresholds: b.Thresholds(), Network: c.metrics.Timed(roles.NewModelNetwork(m))},
		under:   map[uint64]*roles.Bundled{},
		bundle:  b, scratch: m.NewDeviceScratch(), output: m.NewOutput(),
	}
	for _, v := range c.versions.known {
		if v.Bundle == b.ID() {
			one.take(v)
		}
	}
	c.loaded[b.ID()] = one
	c.order = append(c.order, b.ID())
	l := c.measure()
	c.bounds.Store(&l)
}

// find is a roles.Catalog.
func (c *catalog) find(id inference.BundleID, settings uint64) *roles.Bundled {
	b := c.loaded[id]
	switch {
	case b == nil:
		return nil
	case settings == 0:
		return b.Bundled
	}
	return b.under[settings]
}

// limits is what the loaded bundles let others send. It is safe for concurrent use.
func (c *catalog) limits() wire.Limits {
	if l := c.bounds.Load(); l != nil {
		return *l
	}
	return wire.Limits{}
}

func (c *catalog) measure() wire.Limits {
	var l wire.Limits
	for _, b := range c.loaded { // maxima do not depend on the order
		t := b.Topology
		l.Views = max(l.Views, len(t.Views))
		l.Groups = max(l.Groups, len(t.Groups))
		l.Classes = max(l.Classes, len(t.Classes))
		l.FeatureBytes = max(l.FeatureBytes, largestFeatures(b))
	}
	return l
}

// largestFeatures is the most bytes that one source of a bundle sends in one item.
func largestFeatures(b *bundled) int {
	t := b.Topology
	n := max(t.FeatureBytes(), t.RawBytes()) // pixels come with requests, whatever the topology
	if t.Edge != nil {
		n = max(n, t.EdgeFeatureBytes())
	}
	return n
}
