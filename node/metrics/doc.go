// Package metrics is what a node counts, for Prometheus. docs/metrics.md lists it all, and
// is made from what is declared here.
//
// # Two ways of counting
//
// What happens on a sample's way is counted as it happens, by the methods of [Metrics] that
// are named by what happened: [Metrics.Decided], [Metrics.Published], [Metrics.Logged]. Each
// adds to counters that were looked up when the node started: no name and no label is looked
// up for a sample. What the parts of a node count by themselves, or know, is read when
// somebody scrapes, from the [Snapshot] that the node gives.
//
// A nil *Metrics counts nothing, serves nothing and costs nothing: that is how metrics are
// turned off.
//
// # Whose a number is
//
// A number is either a node's own part of a whole, and may be summed over nodes, or the
// node's view of what others see as well, and must not. Each help text ends by saying which:
// see [Over]. A verdict is decided by one coordinator, which counts what it rests on; it is
// published by one, which counts it and its latency; and it comes to the log of every node,
// which counts it as its view. Where a holder dies, its successor may publish again what it
// had published already: those are counted beside, as inherited.
//
// # Guarantees
//
//   - Every name begins with ganglion_, but for the Go runtime's (go_), the process's
//     (process_) and libp2p's (libp2p_).
//   - Labels are of small fixed sets: states, ways, reasons, roles, exits, hops. No label
//     names a peer, a sample, a view or a bundle.
//   - Units are seconds and bytes; a ratio is from 0 to 1.
//   - Counters that may be zero are there from the start. Histograms come with their first
//     observation.
//
// # Limits
//
// libp2p's metrics count for the whole process: in a test with several nodes in one process
// they are of all of them. What a node counted is gone with it. A scrape waits up to two
// seconds for the goroutine that owns the node's state; where that does not answer, its
// metrics are absent and ganglion_engine_answers is 0.
package metrics
