// Package demo shows the whole system on one machine: it starts real processes of the
// program, devices that share the views of a model among them and two further nodes, which
// have nothing in common but a token; it watches them find each other, take views and roles
// and fetch the model; it has them replay a labelled data set; and it holds every answer
// against the network run in one process.
//
// # A demo's way
//
//	newStage    token, state directories, data: files below one temporary folder
//	gather      processes are started, found by their run files, listened to
//	settle      all see all, views are held, roles are given, the model is everywhere
//	begin       a run is started through one node
//	watch       verdicts are followed, at another node where one ends
//	conclude    what was counted and sent
//	act         a second run, in which two nodes are killed; then the others end and the
//	            files go
//
// The director is one goroutine; what nodes tell, verdicts and ends of processes come to it
// by bounded channels. A narrator makes one story of what eight nodes tell of one another.
//
// # What is checked
//
// A [Judge] runs every sample through the bundle in this process, and holds two things
// apart. A verdict is wrong if it is not what the network in one process makes of exactly
// the views that it rests on: sample, label, exit, class and every proposal, scores,
// entropies and probabilities bit for bit. None may ever be, whatever dies. A verdict is
// short if it does not rest on all live views of its sample: those that have a device in
// this demo. Without faults none is, so that all agree with what eval says of these views;
// a view that came late because the machine stood still, or a device that somebody killed,
// costs views, and is told as such.
//
// # The act
//
// Unless it is to be calm, a demo ends with a second run in which a camera and then the
// aggregator are killed, by the system's own means, and stay dead. Package chaos makes the
// story of it. What is asked of the mesh then is counted in [Act] alone: all other figures
// are of the first run. Nothing may be lost in either.
//
// # Guarantees
//
// No process outlives [Run]; on Linux none outlives this process, however it ends. A node
// that ends by itself once all were up is told, and the others go on.
//
// # Limits
//
// Everything is on the interface lo. Figures of an endless demo are of its last 100,000
// samples.
package demo
