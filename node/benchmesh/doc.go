// Package benchmesh measures a live mesh on one machine: real processes of the program on
// loopback, six devices with one view each of the built-in street scene and two further
// nodes, of which one is pinned as the aggregator and the other as the cloud.
//
// # What is measured
//
// Idle: without a run and without a request, what a node takes of memory and processor and
// what it sends.
//
// Latency: of samples on demand, from the request at the coordinator to its sealed verdict,
// on the coordinator's clock. Samples that exit locally and those that exit at the cloud
// are apart; which they are, the network in this process says, and a verdict with another
// exit or a view missing is counted, not timed.
//
// Floor: what the same two rounds, scores and then seal and acknowledgement, take where
// there is nothing of a mesh: as many processes with the same kernels, pictures and codec,
// over plain TCP, one request at a time. There is no standby, no encryption, no retention,
// no log; an aggregator in this process ([Floor]) asks devices ([ServeFloor]). Mesh and
// floor take turns in every round, in another order each time, so that what else the
// machine does meets both. While one is measured the processes of the other are idle.
//
// Throughput: a run on the beat. Verdicts are read from the log when it is over, so that
// reading them costs nothing while it lasts.
//
// Pairs ([RunPairs]): two meshes, of two programs or of one that is watched and one that is
// not, have a run each in turn; what is told is the ratio. Both stand all the while, and one
// is idle while the other is measured.
//
// # Terms
//
//   - Round: every contender answers so many samples, one after the other.
//   - p50, p99 of a latency: the median over the rounds of that quantile in a round. p99.9
//     is of all samples together, because a round has too few.
//   - Rate of a run: its verdicts, over the time from its first beat to when the last was
//     final, less the least that any took: the rate of the beats where none is late.
//
// # Guarantees
//
// No process outlives [Run], and on Linux none outlives this process, however it ends.
// Nothing but the interface lo is used.
//
// # Limits
//
// Memory and processor time are read from /proc, so on Linux alone; elsewhere these figures
// are absent. Processor time has the kernel's grain of 10 ms. Traffic of mDNS is not
// counted. All processes share the processors with the measuring one: figures of a machine
// that does something else besides say so by its load.
package benchmesh
