// Package capability measures how fast a node's machine is: the figure from which the
// roles make its class.
//
// The figure is the time of one run of a fixed kernel: the device section of the
// embedded model, on a fixed picture. Of many short measurements the best counts,
// because whatever else the machine does can only make them longer; and where the
// system tells it, the time is the thread's own, so that waiting for a processor plays
// no part.
//
// The classes are a factor of four apart, but a figure near a border would fall to this
// side or that, and two nodes of one machine into two classes. So the figure is stored
// with the machine ([Stored]), under its processor, architecture and what was measured,
// and the first process that measures decides for all. Where it cannot be stored each
// measures for itself.
//
// Limits: the kernel takes a few microseconds and fits any cache; memory and the number
// of processors play no part. A machine that runs slower for good since it was measured,
// by a limit on its clock, keeps its figure until the file is removed.
package capability
