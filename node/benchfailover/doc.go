// Package benchfailover breaks a live mesh again and again, and measures what that takes:
// real processes of the program, six devices with one view each of the built-in street scene
// and two further nodes, each on a machine of its own of package lab, while samples come on
// the beat. [Names] has the faults.
//
// # What is measured
//
// Nodes that are not hit are observed as anybody may: their verdicts and events are followed
// over the control API, and their logs are read when a fault is over.
//
//   - Noticed: a node tells that something is amiss with one that was hit: by a "noticed" or
//     a "down" event, and by no other that names it.
//   - Claimed: a node claims a role.
//   - Moved: a node tells of another holder of a role.
//   - Next: the first verdict of a beat that fell after the fault has come to an observer.
//   - Settled: the last role has moved, as any node tells. From the end of the fault, where
//     it is one that ends; all nodes that live must then agree on who does what.
//   - Gap: the longest time in which no verdict came to an observer, from just before the
//     fault until nodes have settled. In quiet it is the pace of publications, 50 ms, and
//     what else the machine does: the fault "quiet" says how much. Where the mesh was cut
//     apart each part has its observer, and the longer gap counts.
//   - In flight: samples whose beat had fallen, but whose verdict had not come to the
//     observer when the fault struck. When beats fall is placed by the verdict that came
//     with the least delay before.
//
// And over all beats from before the fault until after it, from the logs of all nodes:
//
//   - Open: without a verdict two minutes after the end, and no node calls it final: the mesh is
//     slower than the samples come.
//   - Lost: no node has a verdict that stands, or a node counts it as lost.
//   - Contradicted: two verdicts stand, at one node or at two.
//   - Absent: a node that was there all along lacks the verdict, though others have it.
//   - Blank: decided without any view, although a node that was not hit saw something.
//   - Unseen: decided without the view of a node that was not hit. It may be: who is late
//     is not waited for.
//   - Superseded: a verdict gave way to another, as after a cut.
//
// # Terms
//
//   - Trial: one time that a fault is had. The mesh lives on from one to the next: who was
//     killed is started again with its identity.
//   - Undisturbed: neither hit nor started anew, and not cut off.
//   - Silent: no verdict of a beat after the fault came to an observer. It must not be.
//   - Random: faults drawn from the seed, of processes and of the network, for a given time;
//     three nodes are never killed, and what they grew by is judged at the end. The goal for
//     the gap leaves room for an observer that was itself cut off or stopped.
//
// # Guarantees
//
// No process outlives [Run], and on Linux none outlives this process, however it ends. The
// network is of this process's own; on loopback the interface lo alone is used.
//
// # Limits
//
// The seed fixes what is drawn, not what happens. Observers, switch and nodes share the
// processors: on a busy machine all times are longer, and a node that has to wait for a
// processor for long looks like one that stands still. Times have the accuracy of the
// nodes' publications.
package benchfailover
