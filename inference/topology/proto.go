package topology

import (
	"fmt"
	"math"

	"ganglion/proto/modelpb"
)

// The schema counts its enums from 1, so that 0 is an absent field: value v of
// this package is value v + 1 of the schema.
const firstProtoValue = 1

// ToProto is the topology as a bundle holds it. The topology must be valid.
func ToProto(t *Topology) *modelpb.Topology {
	m := &modelpb.Topology{
		Name:         t.Name,
		Views:        append([]string(nil), t.Views...),
		Classes:      append([]string(nil), t.Classes...),
		Channels:     uint32(t.Input.Channels),
		Rows:         uint32(t.Input.Rows),
		Cols:         uint32(t.Input.Cols),
		Presence:     modelpb.Presence(t.Presence) + firstProtoValue,
		Device:       &modelpb.Tier{Layers: protoLayers(t.Device.Layers), Blocks: protoBlocks(t.Device.Blocks)},
		DeviceShared: t.Device.Shared,
		DeviceRaw:    t.Device.Raw,
		Cloud:        protoTier(t.Cloud.Layers, t.Cloud.Features, t.Cloud.Blocks),
	}
	for _, views := range t.Groups {
		group := &modelpb.Group{}
		for _, v := range views {
			group.Views = append(group.Views, uint32(v))
		}
		m.Groups = append(m.Groups, group)
	}
	if t.Local != nil {
		m.LocalScores = protoAggregator(t.Local.Scores)
	}
	if t.Edge != nil {
		m.Edge = protoTier(t.Edge.Layers, t.Edge.Features, t.Edge.Blocks)
		m.EdgeExit = t.Edge.Exit
	}
	return m
}

func protoTier(l Layers, features Aggregator, blocks []Block) *modelpb.Tier {
	return &modelpb.Tier{Layers: protoLayers(l), Features: protoAggregator(features), Blocks: protoBlocks(blocks)}
}

func protoLayers(l Layers) modelpb.Layers { return modelpb.Layers(l) + firstProtoValue }

func protoAggregator(a Aggregator) modelpb.Aggregator {
	return modelpb.Aggregator(a) + firstProtoValue
}

func protoBlocks(blocks []Block) []*modelpb.Block {
	var out []*modelpb.Block
	for _, b := range blocks {
		out = append(out, &modelpb.Block{Filters: uint32(b.Filters), PoolStride: uint32(b.Pool)})
	}
	return out
}

// FromProto reads the topology of a bundle, which need not be trusted: counts are
// checked before anything is made of them, and the result is valid. There is one
// message for one topology: a field that has no meaning where it stands is
// refused. An error is an *Error.
func FromProto(m *modelpb.Topology) (*Topology, error) {
	var c checker
	if m == nil {
		c.addf("", "the bundle has none: it is damaged, take another")
		return nil, c.err("")
	}
	c.protoCounts(m)
	if len(c.faults) > 0 {
		return nil, c.err("")
	}
	t := &Topology{
		Name:     m.GetName(),
		Views:    append([]string(nil), m.GetViews()...),
		Classes:  append([]string(nil), m.GetClasses()...),
		Input:    Shape{Channels: fromUint32(m.GetChannels()), Rows: fromUint32(m.GetRows()), Cols: fromUint32(m.GetCols())},
		Presence: fromEnum[Presence](&c, "presence", m.GetPresence(), presenceNames),
		Groups:   fromGroups(m.GetGroups()),
		Device: Device{
			Layers: fromEnum[Layers](&c, "device.layers", m.GetDevice().GetLayers(), layerNames),
			Shared: m.GetDeviceShared(),
			Raw:    m.GetDeviceRaw(),
			Blocks: fromBlocks(m.GetDevice()),
		},
		Local: fromLocal(&c, m),
		Edge:  fromEdge(&c, m),
		Cloud: Cloud{
			Layers:   fromEnum[Layers](&c, "cloud.layers", m.GetCloud().GetLayers(), layerNames),
			Features: fromEnum[Aggregator](&c, "cloud.features", m.GetCloud().GetFeatures(), aggregatorNames),
			Blocks:   fromBlocks(m.GetCloud()),
		},
	}
	if m.GetDevice().GetFeatures() != modelpb.Aggregator_AGGREGATOR_UNSPECIFIED {
		c.addf("device.features", "a device aggregates no features: the bundle is damaged or of a newer version, take another")
	}
	t.check(&c)
	if err := c.err(""); err != nil {
		return nil, err
	}
	return t, nil
}

func fromLocal(c *checker, m *modelpb.Topology) *Local {
	if m.GetLocalScores() == modelpb.Aggregator_AGGREGATOR_UNSPECIFIED {
		return nil
	}
	return &Local{Scores: fromEnum[Aggregator](c, "local.scores", m.GetLocalScores(), aggregatorNames)}
}

func fromEdge(c *checker, m *modelpb.Topology) *Edge {
	e := m.GetEdge()
	if e == nil {
		if m.GetEdgeExit() {
			c.addf("edge.exit", "there is an exit of an edge and no edge: the bundle is damaged or of a newer version, take another")
		}
		return nil
	}
	return &Edge{
		Layers:   fromEnum[Layers](c, "edge.layers", e.GetLayers(), layerNames),
		Features: fromEnum[Aggregator](c, "edge.features", e.GetFeatures(), aggregatorNames),
		Blocks:   fromBlocks(e),
		Exit:     m.GetEdgeExit(),
	}
}

func fromGroups(list []*modelpb.Group) [][]int {
	var groups [][]int
	for _, g := range list {
		var views []int
		for _, v := range g.GetViews() {
			views = append(views, fromUint32(v))
		}
		groups = append(groups, views)
	}
	return groups
}

// protoCounts bounds every list of a message.
func (c *checker) protoCounts(m *modelpb.Topology) {
	c.atMost("views", len(m.GetViews()), MaxViews)
	c.atMost("classes", len(m.GetClasses()), MaxClasses)
	c.atMost("groups", len(m.GetGroups()), MaxViews)
	for i, g := range m.GetGroups()[:min(len(m.GetGroups()), MaxViews)] {
		c.atMost(fmt.Sprintf("groups[%d]", i), len(g.GetViews()), MaxViews)
	}
	c.atMost("device.blocks", len(m.GetDevice().GetBlocks()), MaxBlocks)
	c.atMost("edge.blocks", len(m.GetEdge().GetBlocks()), MaxBlocks)
	c.atMost("cloud.blocks", len(m.GetCloud().GetBlocks()), MaxBlocks)
}

func (c *checker) atMost(path string, n, most int) {
	if n > most {
		c.addf(path, "there are %d: give at most %d", n, most)
	}
}

// fromEnum is the value of this package for a value of the schema.
func fromEnum[T ~uint8, P ~int32](c *checker, path string, v P, names []string) T {
	if v < firstProtoValue || int(v-firstProtoValue) >= len(names) {
		c.addf(path, "the bundle has the value %d where %s is meant: it is damaged or of a newer version, take another", v, oneOf(names))
		return 0
	}
	return T(v - firstProtoValue)
}

// fromUint32 keeps a number that does not fit an int out of every range.
func fromUint32(v uint32) int { return int(min(v, math.MaxInt32)) }

func fromBlocks(tier *modelpb.Tier) []Block {
	var blocks []Block
	for _, b := range tier.GetBlocks() {
		pool := Pool(min(b.GetPoolStride(), math.MaxUint8))
		blocks = append(blocks, Block{Filters: fromUint32(b.GetFilters()), Pool: pool})
	}
	return blocks
}
