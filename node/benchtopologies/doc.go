// Package benchtopologies holds every deployment of figure 2 of the DDNN paper against the
// others, and against what it has to beat: each camera alone, and a float network of the
// same size to which all pictures are sent. All are trained on one split with one budget,
// answer the same test samples, and are then run live: real processes on loopback, with the
// last tier so and so far away.
//
// # The networks
//
//   - a, c, e, f, elastic: the presets, of all views.
//   - float: preset a with float layers throughout: the filters and blocks of a and c, 32
//     times the bits of weights. What goes from its view sections to the last one is signs, as
//     in every network of this program.
//   - alone: preset b for each view, trained on that view's pictures alone.
//   - b and d have one device. It is the view whose network alone does best on the
//     validation samples; b is that network.
//
// # What is measured
//
// Accuracy is the share of all labelled test samples that are answered rightly. A sample in
// which a view sees nothing is not answered without the others, and so not rightly: that is
// what being alone costs. The accuracy over the answered ones stands beside it.
//
// Payload is what devices send per sample: scores, features or pictures. Uplink is what
// goes to the last tier per sample, from devices or, where there are edges, from these: it
// is what a thin line to a distant cloud carries. Socket bytes are all that the devices
// sent about samples on the wire, with frames, encryption, seals and heartbeats.
//
// Accuracy and uplink come from the network in this process; package demo holds every live
// verdict against the same network, bit for bit, so that they are those of the live mesh
// too. Where a machine is too busy, views come late: such verdicts are counted as short.
//
// # The claim
//
// [Claim] compares c with the best network alone and with float, sample by sample: the exact
// test of McNemar (Psychometrika 12, 1947) on the samples that one of the two answers rightly
// and the other does not. The best view is the best by the test samples: the choice favours
// what c has to beat.
//
// # Guarantees
//
// Networks are kept in a folder: a second run with the same data and settings trains nothing,
// and one with others is refused. No process outlives [Run].
package benchtopologies
