// Package roles is what a node does with a sample, and who does it: the step
// machines of docs/protocol.md. A machine takes an event and a time and returns
// effects. It has no goroutine, no clock, no input or output, and iterates over no
// map where the order could be seen: the same events give the same effects, so that
// a run of any length can be replayed from its seed.
//
// # Time
//
// An [Instant] is nanoseconds on the monotonic clock of one node, from an origin that
// means nothing elsewhere. Instants of two nodes are never compared; only durations
// travel. Who drives a machine never goes back in time.
//
// # Glossary
//
//   - Peer: the identity of a node. Site: the devices of one sample.
//   - Run, beat: a numbered series of moments, and its tick. A [SampleID] is a site's
//     beat of a run, or a request on demand.
//   - Role: aggregator of a group, cloud of the mesh, coordinator of a site.
//   - Holder: who has a role. Standby: who is next. Challenger: who outranks the holder.
//   - Claim: a holder's numbered right to a role; its number is an [Epoch].
//   - Lonely: of a claim made without any other member, or without an answer of one, that none
//     has accepted since.
//   - Alone: of a node that hears from nobody; it takes all its connections for broken.
//   - Coordinator: who opens, seals and publishes a site's samples.
//   - Seal: a node's note of a sample's verdict, with the claim that sent it.
//   - Final: sealed by every device that answers. Published: final and told to all.
//   - Floor: the oldest beat of a run that is not final.
//   - Retained: captured, and kept until a seal is stored.
//
// # One role at one node
//
//	          2 s, or in touch with a holder
//	starting --------------------------------> following <---------------------.
//	                                             |    ^                        |
//	                  holder silent or broken,   |    | one yes: put off 50 ms |
//	                  first in the order         v    |                        |
//	                                            asking                         |
//	                                             |  nobody hears the holder    |
//	     no holder, and first in the order;      v                             |
//	     challenger; hand-over --------------> claiming ---- higher claim -----|
//	                                             |  the devices have answered  |
//	                                             v                             |
//	                 stalled for 100 ms <----- holding ----- higher claim -----'
//	                        |                    ^
//	                        '-- ask the devices -'
//
// [Elect] says who ought to hold a role, from values alone. [Claimant] is the diagram
// up to claiming: it decides when this node claims. What a claim must hear before its
// holder decides anything is the part of [Coordinator].
//
// # One sample at its devices
//
//	capture --- retention full ---> refused
//	   |
//	   v            Ask                      Seal of the highest claim           published
//	retained --> features sent, still retained ------------------------> sealed ----------> forgotten
//	   ^   |
//	   '---' no seal after 1.5 s: scores sent again
//
// # One sample at its coordinator
//
//	             every group has proposed, or its time is up
//	opened ------------------------------------------------> judged
//	                                                          |  |
//	       one is within its threshold, or no view was seen   |  | Ask
//	   .------------------------------------------------------'  v
//	   |                       Answer, or the budget is spent   asked
//	   v                    <-------------------------------------'
//	decided --Seal--> sealing --all have acknowledged--> final --> published
//	                     |
//	                     '-- Stale: this claim publishes nothing more
//
// # Guarantees
//
//   - Epochs of a role only grow at a node, but for its own that were void.
//   - A verdict is published only after every device that answers in time has stored its
//     seal, and no device stores a seal under a claim lower than the highest it heard.
//   - What a device retains is never dropped for something newer.
//   - Every queue, table and log is bounded; each says by what.
//
// # Limits
//
// Nothing here knows of addresses, connections or bytes on a wire: who drives the
// machines says when a connection broke and how long a round trip takes. What came from
// outside has been checked: shapes by the loaded bundle, epochs and identifiers by
// Validate. A member that lies is not caught here.
package roles
