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
//	conclude    what was counted and sent; then the processes end and the files go
//
// The director is one goroutine; what nodes tell, verdicts and ends of processes come to it
// by bounded channels. A narrator makes one story of what eight nodes tell of one another.
//
// # What is checked
//
// A [Judge] runs every sample through the bundle in this process. A verdict agrees if its
// sample, label, views, exit, class and every proposal are the same, scores, entropies and
// probabilities bit for bit, and if it rests on all views that the sample has. A demo
// injects no faults, so that all must agree; a device that somebody kills by hand costs
// views, which is told as such.
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
