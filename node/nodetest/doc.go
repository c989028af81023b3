// Package nodetest starts whole deployments in one process, for tests: real nodes over
// real sockets of the loopback interface, with everything in memory. Nothing leaves the
// machine, and meshes of tests that run side by side do not hear one another.
//
//	m := nodetest.Start(t, nodetest.Devices("street:samples=24,seed=3", 6), nodetest.Spares(2))
//	m.Settle(t.Context())
//	run := m.Run(100, 20*time.Millisecond)
//	m.Kill(m.Holder("aggregator"))
//	m.AwaitRun(t.Context(), run) // by every node that lives: all decided, none lost
//
// # Concepts
//
// A [Part] says what nodes there are. Each node has a name: "device-0" and on where it has
// sources, "spare-0" and on where it has none; those of a site of its own have its name in
// front ([At]). A mesh of a test does not begin runs by itself, so that a test knows which
// beats there are.
//
// [Mesh.Stop] ends a node as an operator would: it hands its roles over and leaves.
// [Mesh.Kill] ends it as a power cut would: its sockets close, and nobody is told.
// [Mesh.Restart] starts either again; a node that is to keep its identity, views and
// bundles over that needs [Kept].
//
// # Waiting
//
// What waits, waits for something that must come, at most [Patience] or as long as its
// context lasts. When it waits in vain it fails the test with what it waited for and the
// state of every node: [Mesh.State].
//
// All that a mesh started has ended when the test's cleanup has: [Leaked] shows what has
// not. GANGLION_TEST_LOG=1 has all nodes log to standard error.
//
// # Limits
//
// It is for tests: faults end the test at once, so it is called from the goroutine of the
// test. Nodes of one process share its garbage collector and its cores: times that are
// measured here say little about machines apart. A network that loses or delays is not in
// here; package meshtest has that one. Each process lists one of its nodes in the
// directory of run files, where the command line finds it: set GANGLION_RUN_DIR in TestMain
// to keep test nodes out of sight.
package nodetest
