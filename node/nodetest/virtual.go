package nodetest

import (
	"net/http"
	"net/netip"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/mesh/meshtest"
	"ganglion/node"
)

// Quality says how bytes travel between the nodes of a [Virtual]: Latency and Jitter of each
// way, and which part of what is sent is lost and sent again.
type Quality = meshtest.Quality

// Virtual is a deployment in virtual time: whole nodes, each on a machine of its own, whose
// network is in memory and does as it is told. All else is as in [Mesh].
type Virtual struct {
	*Mesh
	lan *onLAN
}

// VirtualPatience is [Patience] where time costs nothing.
const VirtualPatience = 10 * time.Minute

// StartVirtual is [Start] in virtual time. It is called inside testing/synctest.Test. The
// seed draws delays and losses.
func StartVirtual(t T, seed uint64, q Quality, parts ...Part) *Virtual {
	t.Helper()
	if time.Now().After(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Fatalf("nodetest.StartVirtual is not in virtual time: call it inside testing/synctest.Test")
	}
	lan := &onLAN{lan: meshtest.NewLAN(seed, q), machines: map[string]*meshtest.Machine{}}
	return &Virtual{start(t, lan, parts), lan}
}

// Partition keeps the nodes from all others, both ways and in silence, until [Virtual.Heal].
// What was sent is held. Several partitions are apart from one another.
func (v *Virtual) Partition(names ...string) {
	v.t.Helper()
	var machines []*meshtest.Machine
	for _, name := range names {
		machines = append(machines, v.machine(name))
	}
	v.lan.lan.Partition(machines...)
}

// Sever lets nothing of what one node sends arrive at the other, until [Virtual.Heal], while
// what the other sends goes on to arrive.
func (v *Virtual) Sever(from, to string) {
	v.t.Helper()
	v.lan.lan.Sever(v.machine(from), v.machine(to))
}

// Heal ends all partitions, one-way ones too. As with TCP, what was held may arrive as much
// later as it was held, unless its connection was given up.
func (v *Virtual) Heal() { v.lan.lan.Heal() }

// Travel changes how bytes travel from now on.
func (v *Virtual) Travel(q Quality) { v.lan.lan.SetQuality(q) }

// Stall holds up all that a node sends and all that is sent to it for a while. Its timers go
// on, as the clock is everybody's: it is a network card that hangs, not a process that is
// stopped.
func (v *Virtual) Stall(name string, d time.Duration) {
	v.t.Helper()
	v.machine(name).Stall(d)
}

// PowerOff ends a node as [Mesh.Kill] does, and its machine with it: the others hear
// nothing, not even that its connections end. [Mesh.Restart] has both back.
func (v *Virtual) PowerOff(name string) {
	v.t.Helper()
	v.live(name)
	v.machine(name).PowerOff()
	v.Kill(name)
}

// SentBytes is what a node has sent to others, over all its lives.
func (v *Virtual) SentBytes(name string) uint64 {
	v.t.Helper()
	return v.machine(name).SentBytes()
}

// machine is the one of a node.
func (v *Virtual) machine(name string) *meshtest.Machine {
	v.t.Helper()
	return v.lan.machines[v.member(name).config.Name]
}

// onLAN is a network in memory, in virtual time. Nodes find one another by address alone.
type onLAN struct {
	lan      *meshtest.LAN
	machines map[string]*meshtest.Machine // by the name of the node
	order    []string                     // of those names
}

func (l *onLAN) settle(c *node.Config) {
	m := l.machines[c.Name]
	if m == nil {
		m = l.lan.Machine()
		l.machines[c.Name] = m
		l.order = append(l.order, c.Name)
	}
	m.PowerOn()
	c.Mesh.Sockets, c.Mesh.Interfaces, c.Mesh.Port = m, nil, link.DefaultPort
	c.Mesh.Without = []discovery.Way{discovery.Beacon, discovery.MDNS}
	c.API = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), node.DefaultLAN().API.Port())
	// A few are enough; whoever is not there when it starts knows it from before, or is
	// told of it.
	const most = 4
	c.Mesh.Join = nil
	for _, name := range l.order {
		if name != c.Name && len(c.Mesh.Join) < most {
			c.Mesh.Join = append(c.Mesh.Join, l.machines[name].Addresses()[0].String())
		}
	}
}

func (l *onLAN) web(name string) *http.Transport {
	return &http.Transport{DialContext: l.machines[name].DialContext}
}

func (*onLAN) patience() (longest, look time.Duration) {
	return VirtualPatience, 100 * time.Millisecond
}

// ended lets the goroutines end that memberlist and libp2p leave behind when they return.
func (*onLAN) ended() {
	const forgotten = time.Minute
	time.Sleep(forgotten) //nolint:forbidigo // virtual
}
