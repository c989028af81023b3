// Package lab makes machines and a network between them out of one Linux machine, and
// breaks the network on purpose: for what tests and measures the program as real processes.
//
// # Concepts
//
//   - [Space]: a network namespace. It stands for a machine: it has interfaces, ports and a
//     loopback of its own. It has no name, so that nothing of it outlives this process.
//   - [Switch]: a switch of layer 2 in this process. It learns who is where, as any switch
//     does, and carries frames as they are, those that their sender's kernel has left to the
//     hardware to cut or to sum up as well.
//   - [Path]: what happens to the frames from one port to another: delay, loss, nothing at
//     all. Each ordered pair of ports has its own, so that a cut may be one-way.
//   - [Network]: spaces that hang on one switch.
//
// The kernel's netem and nftables do much of this, where a kernel has them; many, of virtual
// machines above all, do not. So there is one way, which is everywhere the same.
//
// # Guarantees
//
// Nothing that is sent can leave: a space has a loopback and an interface that ends in the
// switch. Frames of one path keep their order, also when its delay changes. Which frames
// of a path are lost is drawn from the seed by their number on that path. All that waits is
// bounded; what has no room is lost, as in any switch.
//
// # Limits
//
// Linux, root and the ip command of iproute2 are needed: [New] says which is missing
// ([ErrUnsupported]). A delay has the grain of this process's timers and of its share of
// the processors. Loss is of frames: where a sender's kernel puts several segments into one,
// they share their fate; the interfaces of a [Network] are told not to.
package lab
