package wire

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"testing"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/roles"
)

var nodeSeeds = flag.Uint64("node-seeds", 10, "runs of a node that is sent everything")

// strict is a network that computes nothing and refuses what the kernels would die of.
type strict struct{ t *topology.Topology }

func (n strict) Local(group int, scores [][]float32, seen uint64) []float32 {
	n.sources(len(scores), seen, n.t.Groups[group])
	for v := range scores {
		if seen>>v&1 == 1 && len(scores[v]) != len(n.t.Classes) {
			panic(fmt.Sprintf("view %d has %d scores", v, len(scores[v])))
		}
	}
	return make([]float32, len(n.t.Classes))
}

func (n strict) Edge(group int, features [][]byte, seen uint64) ([]byte, []float32) {
	n.sources(len(features), seen, n.t.Groups[group])
	n.sized(features, seen, n.t.FeatureBytes())
	if !n.t.Edge.Exit {
		return make([]byte, n.t.EdgeFeatureBytes()), nil
	}
	return make([]byte, n.t.EdgeFeatureBytes()), make([]float32, len(n.t.Classes))
}

func (n strict) Cloud(features [][]byte, seen uint64) []float32 {
	if seen == 0 || len(features) != n.t.CloudSources() || seen>>len(features) != 0 {
		panic(fmt.Sprintf("sources %b of %d", seen, len(features)))
	}
	size := n.t.FeatureBytes()
	switch {
	case n.t.Device.Raw:
		size = n.t.RawBytes()
	case n.t.Edge != nil:
		size = n.t.EdgeFeatureBytes()
	}
	n.sized(features, seen, size)
	return make([]float32, len(n.t.Classes))
}

// sources panics unless the seen ones are views of the group, and some.
func (n strict) sources(have int, seen uint64, group []int) {
	var all uint64
	for _, v := range group {
		all |= 1 << v
	}
	if seen == 0 || seen&^all != 0 || have != len(n.t.Views) {
		panic(fmt.Sprintf("views %b of %b, %d in all", seen, all, have))
	}
}

func (n strict) sized(features [][]byte, seen uint64, want int) {
	for i := range features {
		if seen>>i&1 == 1 && len(features[i]) != want {
			panic(fmt.Sprintf("source %d has %d bytes, want %d", i, len(features[i]), want))
		}
	}
}

// catalogOf is bundles of several deployments, as a mesh has them that changed its model.
func catalogOf(t *testing.T) (find roles.Catalog, limits Limits, sizes []int) {
	t.Helper()
	loaded := map[inference.BundleID]*roles.Bundled{}
	for i, of := range []struct {
		preset  string
		views   int
		classes int
	}{{"f", 6, 3}, {"c", 6, 3}, {"elastic", 8, 2}, {"c", 3, 5}, {"a", 6, 3}} {
		top, err := topology.Preset(of.preset, topology.Base{Views: topology.ViewNames(of.views), Classes: topology.ViewNames(of.classes)})
		if err != nil {
			t.Fatal(err)
		}
		exits := map[topology.Exit][]float64{}
		for _, e := range top.Exits()[:len(top.Exits())-1] {
			exits[e] = []float64{0.5}
		}
		thresholds, err := inference.NewThresholds(top, exits)
		if err != nil {
			t.Fatal(err)
		}
		loaded[inference.BundleID(sha256.Sum256([]byte{byte(i)}))] = &roles.Bundled{Topology: top, Thresholds: thresholds, Network: strict{top}}
		limits.Views, limits.Groups = max(limits.Views, of.views), max(limits.Groups, len(top.Groups))
		limits.Classes = max(limits.Classes, of.classes)
		n := []int{top.FeatureBytes(), top.RawBytes()}
		if top.Edge != nil {
			n = append(n, top.EdgeFeatureBytes())
		}
		for _, n := range n {
			limits.FeatureBytes = max(limits.FeatureBytes, n)
			sizes = append(sizes, n)
		}
	}
	return func(id inference.BundleID, settings uint64) *roles.Bundled {
		if settings > 1 {
			return nil
		}
		return loaded[id]
	}, limits, sizes
}

// TestNodeTakesWhatIsDecoded sends a node that plays every part whatever a decoder takes, in
// any order, of whoever: members may run other versions, be late by minutes, or lie. It must not
// die of it, and what it says must be what other nodes take.
func TestNodeTakesWhatIsDecoded(t *testing.T) {
	find, limits, sizes := catalogOf(t)
	for seed := range *nodeSeeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			v := newValues(seed)
			v.near, v.sizes, v.use = true, sizes, byte(seed%5)
			m := &monkey{values: v, t: t, self: v.peer(), limits: limits, find: find}
			used := sha256.Sum256([]byte{v.use})
			groups := find(used, 0).Topology.Groups
			m.node = roles.NewNode(0, roles.NodeConfig{
				Self: m.self, Site: v.siteName(), Mesh: "k7fq-2mzd", Groups: groups, Feeds: true, Live: v.yes(),
				Eligible: roles.Kinds(roles.CloudKind, roles.AggregatorKind), RetentionBytes: 1 << 18,
				Catalog: find, Encode: EncodeVerdict, NewRun: func() roles.RunID { return roles.RunID(1 + v.IntN(3)) },
				Acknowledged: func(roles.Peer) bool { return v.yes() },
			})
			for range 700 {
				m.step()
			}
		})
	}
}

// monkey does anything to a node.
type monkey struct {
	values
	t      *testing.T
	self   roles.Peer
	limits Limits
	find   roles.Catalog
	node   *roles.Node
	fx     roles.Effects
	now    roles.Instant
}

func (m *monkey) step() {
	m.now = m.now.Add(time.Duration(m.Int64N(1 << m.IntN(29))))
	switch what := m.IntN(40); {
	case what == 0:
		m.node.SetMembers(m.now, m.members(), &m.fx)
	case what == 1:
		m.node.SetViews(m.now, m.set(6), &m.fx)
	case what == 2:
		m.node.SetStands(m.now, m.yes(), &m.fx)
	case what == 3:
		m.node.SetPlan(roles.Plan{Auto: m.yes(), Period: roles.MinPeriod, Bundle: inference.BundleID(m.hash()), Settings: m.Uint64N(2)})
	case what < 7:
		m.node.Link(m.now, m.peer(), m.IntN(4) > 0, m.duration()&0xffffff, &m.fx)
	case what == 7:
		m.node.Order(m.now, m.capture(), &m.fx)
	case what == 8:
		m.node.StartRun(m.now, roles.RunRecord{Site: m.siteName(), Period: roles.MinPeriod, Entries: []roles.Entry{{Bundle: inference.BundleID(m.hash())}}}, &m.fx)
	case what == 9:
		p := m.publications()
		m.node.Heard(m.now, p.Site, p.Items, p.Run, p.Floor, &m.fx)
	case what < 18:
		m.node.Tick(m.now, &m.fx)
	default:
		m.receive()
	}
	m.done()
	m.node.Next(m.now)
}

// receive takes a message that has come over the wire.
func (m *monkey) receive() {
	message := m.message(1 + m.IntN(sorts-1))
	from := m.peer()
	if p := speaker(message); p != "" && m.IntN(4) > 0 {
		from = p
	}
	if from == m.self {
		return
	}
	ends := Ends{From: from, To: m.self}
	taken, err := ends.DecodeParcel(ends.EncodeParcel([]roles.Message{message}), m.limits)
	if err != nil {
		return // the loaded bundles have no such thing
	}
	m.node.Receive(m.now, from, taken[0], &m.fx)
}

// speaker is who a message is of, as it says itself.
func speaker(m roles.Message) roles.Peer {
	switch m := m.(type) {
	case *roles.Heartbeat:
		return m.Claim.Epoch.Peer
	case *roles.Claiming:
		return m.Claim.Epoch.Peer
	case *roles.Ask:
		return m.Epoch.Peer
	case *roles.SealBatch:
		return m.Epoch.Peer
	case *roles.Request:
		return m.Epoch.Peer
	case *roles.Proposals:
		return m.Epoch.Peer
	case *roles.HandOver:
		return m.Epoch.Peer
	}
	return ""
}

func (m *monkey) members() (out []roles.Member) {
	free := m.set(8)
	for i := range 9 {
		peer := roles.Peer(fmt.Sprintf("12D3KooW%044d", i))
		if peer == m.self || m.IntN(4) == 0 {
			continue
		}
		one := roles.Member{
			Peer: peer, Site: m.siteName(), Feeds: m.yes(), Eligible: roles.Kinds(roles.CloudKind, roles.AggregatorKind),
			Class: roles.Class(m.IntN(3)), Stands: m.yes(), Settings: m.Uint64N(2),
		}
		one.Views = free & m.set(8)
		free &^= one.Views
		for range m.many(2) {
			one.Claims = append(one.Claims, m.claim())
		}
		out = append(out, one)
	}
	return out
}

// done carries out the effects: what is captured is told, and what is sent must be such that
// others take it.
func (m *monkey) done() {
	for _, s := range m.fx.Sends {
		ends := Ends{From: m.self, To: s.To}
		for _, frame := range ends.EncodeParcels([]roles.Message{s.Message}, 1<<20) {
			if _, err := ends.DecodeParcel(frame, m.limits); err != nil {
				m.t.Fatalf("nobody takes what it says: %v: %T %+v", err, s.Message, s.Message)
			}
		}
	}
	for _, p := range m.fx.Logged { // what everyone does who shows or counts it
		v, err := DecodeVerdict(p.Sealed.Bytes)
		if err != nil {
			m.t.Fatalf("in the log: %v", err)
		}
		if b := m.find(v.Bundle, 0); b != nil {
			v.HopBytes(b.Topology)
			for _, said := range v.Answer.Proposals {
				b.Thresholds.At(said.Exit, said.Seen)
			}
		}
	}
	captures := m.fx.Captures
	m.fx = roles.Effects{}
	var seen []*roles.Observation
	for _, c := range captures {
		o := m.observation(c.Sample.Site)
		o.Sample, o.Bundle, o.Settings, o.Captured = c.Sample, c.Bundle, c.Settings, m.now
		for i := range o.Views {
			if o.Views[i].Seen {
				o.Views[i].Features = m.features()
			}
		}
		seen = append(seen, o)
	}
	if len(seen) > 0 {
		m.node.Captured(m.now, seen, &m.fx)
		m.done()
	}
}
