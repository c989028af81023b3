// Package nodetest starts whole deployments in one process, for tests: real nodes, with
// everything in memory, in one of two places.
//
// [Start] has them on real sockets of the loopback interface, in real time. Nothing leaves
// the machine, and meshes of tests that run side by side do not hear one another.
//
//	m := nodetest.Start(t, nodetest.Devices("street:samples=24,seed=3", 6), nodetest.Spares(2))
//	m.Settle(t.Context())
//	run := m.Run(100, 20*time.Millisecond)
//	m.Kill(m.Holder("aggregator"))
//	m.AwaitRun(t.Context(), run) // by every node that lives: all decided, none lost
//
// [StartVirtual] has them on a network in memory, in virtual time, inside
// testing/synctest.Test. The nodes are the same, with libp2p's private network, Noise, yamux
// and gossipsub, and memberlist; but the network delays, loses, parts and heals as it is
// told, and half a minute of a deployment takes a second.
//
//	synctest.Test(t, func(t *testing.T) {
//		m := nodetest.StartVirtual(t, seed, nodetest.Quality{Latency: 5 * time.Millisecond, Loss: 0.01}, nodetest.Devices(data, 4))
//		m.Settle(t.Context())
//		run := m.Run(100, 100*time.Millisecond)
//		m.Partition("device-0", "device-1") // both halves go on
//		m.AwaitVerdict(t.Context(), "device-3", run, 50)
//		m.Heal()
//		m.AwaitRun(t.Context(), run) // and one verdict of each sample stands
//	})
//
// # Concepts
//
// A [Part] says what nodes there are. Each node has a name: "device-0" and on where it has
// sources, "spare-0" and on where it has none; those of a site of its own have its name in
// front ([At]). A mesh of a test does not begin runs by itself, so that a test knows which
// beats there are.
//
// [Mesh.Stop] ends a node as an operator would: it hands its roles over and leaves.
// [Mesh.Kill] ends its process: its sockets close, and nobody is told more than that.
// [Virtual.PowerOff] ends its machine: there is not even that. [Mesh.Restart] starts any of
// them again; a node that is to keep its identity, views and bundles over that needs [Kept].
//
// # Waiting
//
// What waits, waits for something that must come, at most [Patience] or as long as its
// context lasts; in virtual time at most [VirtualPatience]. When it waits in vain it fails
// the test with what it waited for and the state of every node: [Mesh.State].
//
// All that a mesh started has ended when the test's cleanup has: [Leaked] shows what has
// not. GANGLION_TEST_LOG=1 has all nodes log to standard error.
//
// # Virtual time
//
// The network is that of package meshtest: what is lost arrives later and holds up what is
// behind it, a partition is silence, and what was held during one arrives up to as long
// after it. Each node has a machine of its own, at an address under 127.1, and finds the
// others by address. The control API is served on that network too: [Mesh.API] and what
// follows it work, and real sockets do not.
//
// In a bubble time passes when every goroutine in it waits, and only then. So a test must
// not wait there for what is outside: real sockets, other processes, a mutex that is held
// over a wait. The folders of [Kept] are real.
//
// A seed draws delays and losses, but goroutines take turns as they like: a seed that failed
// once may not fail again. Hold against a mesh what must be true whatever happens.
//
// # Limits
//
// It is for tests: faults end the test at once, so it is called from the goroutine of the
// test. Nodes of one process share its garbage collector and its cores: times that are
// measured here say little about machines apart. In virtual time computing takes none, and
// all nodes have one clock: a node that is slow, or whose process is stopped, is not in
// here. Beacon and multicast DNS are not in virtual time.
//
// In real time, each process lists one of its nodes in the directory of run files, where the
// command line finds it: set GANGLION_RUN_DIR in TestMain to keep test nodes out of sight.
package nodetest
