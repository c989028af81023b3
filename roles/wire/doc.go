// Package wire turns the values of package roles into bytes and back: messages between the
// machines of different nodes, verdicts as they are sealed, what is published, what a node
// says of itself, and questions about verdict logs. The schema is proto/wirepb/roles.proto.
// Package roles imports nothing of this; package node joins the two.
//
// # Frames
//
// Everything but a [Start] and a verdict has a table of names beside it: peers, sites,
// series (site and run) and models (bundle and settings), to which the rest refers by
// index. So a parcel of many samples has each long text once. In a parcel between two nodes
// sender and receiver are the peers 1 and 2, and are not written ([Ends]): most frames name
// nobody else, and are half as long for it. A [Publications] has a byte
// before it that says whether it is packed.
//
// It is written and read by hand with protowire. The generated code of the schema could do
// as well, and the tests hold that each reads what the other writes; but it would need a
// second set of structs, cannot check a value where it is read, and promises no one form
// of a verdict. BenchmarkParcel compares the two. Lists of numbers are packed; another
// encoding of them, which no node writes, is refused.
//
// # Verdicts
//
// The bytes of a verdict are hashed, compared and kept, and never encoded again, so that
// equal verdicts must have equal bytes at every node. There is one form for each value:
//
//   - fields in ascending order, each list as it is, reasons by view;
//   - nothing that has its default, except in an optional field, where presence says that
//     it is 0 and not none;
//   - the shortest varints, packed lists;
//   - peers in a table of the verdict's own: the claimant first, then aggregators and cloud
//     as they are first named, each once;
//   - no field that the schema does not have. A field that is added later is not written
//     where it has its default, but a verdict that has it is refused by older nodes.
//
// [DecodeVerdict] encodes what it has read and refuses bytes that differ.
//
// # What is refused
//
// Bytes from outside are checked here and nowhere else. Each error wraps [ErrMalformed],
// and tells which message, which item and which field. Nothing of a frame is taken where
// anything of it is refused. That is:
//
//   - what is no protobuf message of the schema, and an index that no name has;
//   - peers that are not 1 to 128 printable ASCII characters, sites and samples that their
//     Validate refuses, hashes of another length, texts that are not UTF-8;
//   - epochs that Validate refuses, and none where a message is under a claim; run records
//     that Validate refuses;
//   - views, groups, classes and bytes of features beyond [Limits], exits, reasons, kinds
//     and roles that there are not;
//   - scores that are NaN or infinite, or fewer than two; entropies outside [0, 1];
//   - sets of views that overlap; a proposal that is not of its message's exit and group, or
//     rests on another number of views than were seen; a verdict whose answer is not its
//     last proposal's; a sample that is not of its message's site;
//   - more of anything than the bounds in limits.go, more than 4 MiB of unpacked
//     publications.
//
// Verdicts are kept as the bytes that came, and what else roles.Sealed says is taken from
// these. A verdict may be of a bundle that is not loaded here: its limits are the format's.
//
// Messages and fields that this version does not know are passed over, except within a
// verdict.
//
// # What does not travel
//
// An instant means nothing at another node: when an observation was captured stays at its
// device, and so do its features, until they are asked for. Durations are sent as they are;
// negative ones, which no clock gives, as 0. All numbers below 0 of Ref, Label and a
// verdict's Class stand for none, and arrive as -1. Nil and empty arrive alike.
//
// # Memory
//
// What a decoder returns shares no memory with the bytes that it was given: these may be
// used again at once. Features, pixels and verdicts are copied one by one, so that what is
// kept of a frame keeps no more of it than that. What is made of a frame is at most 30
// times its size, lists that grow included.
package wire
