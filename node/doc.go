// Package node is one node of a mesh, whole: the composition root, the one place where
// package mesh meets package roles. It holds what a node does around the samples:
// configuration, sources, bundles, the control API.
//
// # A node's parts
//
//	sources --pixels--> engine --messages--> mesh --frames--> other nodes
//	                     | ^                  |
//	          roles.Node-' '----events--------'
//	                     |
//	                  arrivals --> followers of the control API, each line
//	                  audience --> pages that watch: sums, and the newest few lines
//
// The engine is one goroutine. It alone owns the [roles.Node], the loaded networks and
// the verdict logs; everything else reaches it through a bounded queue: frames that were
// decoded and checked where they came in, changes of links, members and settings, calls of
// the control API. It takes all that waits, has roles.Node step through it, and then sends
// what is to be sent: one frame for each peer, however many messages that is.
//
// # Frames
//
// Kinds of link frames; their payloads are those of package roles/wire, bundles and
// controlpb:
//
//	1  parcel         messages of the step machines
//	2  parcel         of features or pixels: larger, by what the loaded bundle says
//	3  log query      request: verdicts by beats or sequence number, summaries of runs
//	4  order          request to a coordinator: a sample on demand, answered by its verdict
//	5  start          request to a coordinator: a run
//	6  chunk          request: a piece of a bundle
//	7  members        request: the mesh as that node sees it
//	8  fault          request: harm to be done to that node on purpose, see package chaos
//	9  reach          request: to be dialled by that node, and told what came of it
//	10 version        request: the thresholds of a bundle under a version of the settings
//
// # Order of things
//
// Start: state directory and its lock, identity, token, bundles, control socket, mesh
// (which listens then), sources, engine, discovery. A node claims no role for two seconds,
// or until it is in touch with a holder. Stop, on the end of the context: roles are handed
// over, what is queued is flushed, the mesh is left, the control API ends, the lock is let
// go; all under a deadline.
//
// # Bundle in use
//
// The setting "bundle" names the one that the mesh wants. A node that lacks it fetches it
// from whoever has it and goes on with the old one meanwhile. Where the new one has the
// views and groups of the old one, a run goes over to it at one beat. Where it has others,
// runs are ended, and each node begins anew with the new topology once nothing is in work.
//
// # Thresholds in use
//
// The setting "thresholds/BUNDLE" has others in the place of a bundle's own. They take effect
// as a bundle does, at one beat of a run, and each verdict names them as its settings: a
// number that follows from their values ([settingsOf]). Every node keeps those of late, and
// whoever coordinates asks the others for what it does not know: after a partition it may
// find samples under thresholds that the mesh has dropped.
//
// # Who watches
//
// A page asks by Watch and gets an answer at an interval, whatever the rate of samples. While
// anybody watches a site, each verdict that is new in its log is summed up once, in fixed room;
// an answer is the difference of two sums, and a few verdicts whole. So a reader that is slow
// gets larger sums and costs no more. The status and the members are made for whoever asks
// first and given to all. While nobody watches, nothing of it is done. Look gives the picture
// of a view: of this node's own sources, and of the data set that it replays where all replay
// it. What a camera saw is kept while somebody watches its node, and goes to no other.
//
// # Limits
//
// What other nodes say is checked where it comes in and believed: members are trusted. A
// node serves its control API and its page on loopback, without authentication: who has an
// account on the machine may use it.
package node
