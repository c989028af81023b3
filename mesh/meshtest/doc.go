// Package meshtest is a network in memory, for tests in virtual time, with delays, losses,
// partitions, stalls and deaths. There are two, which differ in what runs on them:
//
//   - [Network] joins [Host]s that open streams to one another as package mesh/link does
//     over TCP: it stands in for a link.Host, under package mesh/membership.
//   - [LAN] joins [Machine]s that have sockets as a system has them: a whole link.Host runs
//     on one, with libp2p and all, and a whole node. Package node/nodetest is built on it.
//
// Both behave like TCP, since that is what the mesh runs on: bytes that are lost arrive
// later and hold up those behind them, a partition is silence until it heals or the
// connection is given up, the end of a process is heard of at once, that of a machine is
// not. On a LAN, who gives up are the layers above, as with the machine's TCP; and of a
// sender whom no acknowledgement reaches, because one way alone is cut, the first window
// arrives and no more.
//
// Use it inside testing/synctest: all waiting is on the clock. Faults are drawn from a seed,
// but a run is not repeated exactly: goroutines run in any order.
package meshtest
