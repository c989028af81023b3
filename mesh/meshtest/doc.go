// Package meshtest is a network in memory, for tests in virtual time: hosts that open
// streams to one another as package mesh/link does over TCP, with delays, losses,
// partitions, stalls and deaths.
//
// It behaves like TCP, since that is what the mesh runs on: bytes that are lost arrive
// later and hold up those behind them, a partition is silence until it heals or the
// connection is given up, the end of a process is heard of at once. Use it inside
// testing/synctest: all waiting is on the clock. Faults are drawn from a seed, but a
// run is not repeated exactly: goroutines run in any order.
package meshtest
