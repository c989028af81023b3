package node

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"ganglion/inference"
	"ganglion/roles"
)

// versionsKept bounds the thresholds that a node knows besides the bundles' own, over all
// bundles. What is in use is not dropped: see [versions.learn].
const versionsKept = 256

// versionBits is the size of a version: programs that read JSON have numbers of so many bits.
const versionBits = 53

// settingsOf is the version that thresholds are as settings of a bundle. It follows from the
// values alone: two halves of a mesh that choose different ones can never mean them by one
// number, and thresholds that another node tells prove by it that they are those. 0 is left
// to the bundle's own.
func settingsOf(bundle inference.BundleID, t inference.Thresholds) uint64 {
	h := sha256.New()
	h.Write([]byte("ganglion thresholds 1\n"))
	h.Write(bundle[:])
	h.Write([]byte(t.String()))
	return max(1, binary.BigEndian.Uint64(h.Sum(nil))>>(64-versionBits))
}

// version is thresholds that a node knows.
type version struct {
	roles.Model
	thresholds inference.Thresholds
	counter    uint64 // of the mesh's setting that said so last; 0: another node told them
}

// versions is the thresholds that a node knows, those heard of last at the end.
type versions struct {
	known []*version
}

// find is a version; nil where it is not known.
func (v *versions) find(m roles.Model) *version {
	i := slices.IndexFunc(v.known, func(one *version) bool { return one.Model == m })
	if i < 0 {
		return nil
	}
	return v.known[i]
}

// learn adds thresholds of a bundle, or has them as heard of last. Where there are too many
// the oldest go that nothing in use is of.
func (c *catalog) learn(bundle inference.BundleID, t inference.Thresholds, counter uint64, inUse func(roles.Model) bool) uint64 {
	m := roles.Model{Bundle: bundle, Settings: settingsOf(bundle, t)}
	v := &c.versions
	if one := v.find(m); one != nil {
		v.known = append(slices.DeleteFunc(v.known, func(other *version) bool { return other == one }), one)
		one.counter = max(one.counter, counter)
		return m.Settings
	}
	if len(v.known) >= versionsKept {
		if i := slices.IndexFunc(v.known, func(one *version) bool { return !inUse(one.Model) }); i >= 0 {
			if b := c.loaded[v.known[i].Bundle]; b != nil {
				delete(b.under, v.known[i].Settings)
			}
			v.known = slices.Delete(v.known, i, i+1)
		}
	}
	one := &version{Model: m, thresholds: t, counter: counter}
	v.known = append(v.known, one)
	if b := c.loaded[bundle]; b != nil {
		b.take(one)
	}
	return m.Settings
}

// take has a loaded bundle run under thresholds, if they are for its topology.
func (b *bundled) take(v *version) {
	if v.thresholds.Fit(b.Topology) == nil {
		b.under[v.Settings] = &roles.Bundled{Topology: b.Topology, Thresholds: v.thresholds, Network: b.Network}
	}
}
