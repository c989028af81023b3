// Package membership tells who is in the mesh: which nodes there are, whether they
// live, what they say of themselves, and which settings they share. It knows nothing
// of what the records and settings mean.
//
// # Concepts
//
// A member is a node that has been let in, named by its [MemberID]. Its record is what
// it says of itself: a name, addresses and a payload of the application, signed. Its
// meta is a short signed summary of that, which gossip carries. An instance is one
// life of a member's process. A setting is a value under a key that the whole mesh
// shares and anybody may change.
//
// # Gossip
//
// Who lives is found out by hashicorp's memberlist, protocol version 5, with
// neither compression, encryption nor label: the transport below is
// encrypted and authenticated already. A node's memberlist name is its member ID. Its
// memberlist address is 127.0.0.1 port 1 for every node and means nothing: nodes are
// reached by ID, so that a change of address is no conflict and a restart needs no
// waiting. All messages are those of memberlist but user messages, which are refused.
//
// Three stream protocols carry everything:
//
//	/ganglion/membership/packets/1   memberlist's packets
//	/ganglion/membership/streams/1   memberlist's streams, one each
//	/ganglion/membership/records/1   records and settings
//
// Packets: the sender opens one stream and keeps it; nothing is sent back. Each packet
// is its length, 2 bytes, big endian, and that many bytes, at most [PacketBytesMax]; in
// it a checksum (12), a compound (7) of others, or one of ping (0), indirect ping (1),
// acknowledgement (2), suspect (3), alive (4), dead (5), negative acknowledgement (11).
// A stream that is opened while another of that peer is there replaces it. A packet is
// lost where its queue is full, the peer is not reached, or the stream ends: it is
// never waited for.
//
// Streams: as memberlist has them. The first byte must be a ping (0), a push/pull (6),
// an acknowledgement (2) or an error (13), and the header of a push/pull a MessagePack
// map of Nodes, UserStateLen and Join that announces at most [StateNodesMax] nodes and
// [StateBytesMax] bytes.
//
// Records: the opener writes a wirepb.RecordsRequest and reads a wirepb.RecordsReply,
// each preceded by its length, 4 bytes, big endian. It names a member whose record it
// wants, or brings news, or both. A node introduces itself in this way, with its own
// record, to each member that it hears of, at once; one that is introduced to a
// peer that is not its member joins it. Gossip alone reaches everybody only most
// of the time.
//
// # Signed bodies
//
// A wirepb.Signed holds the bytes of a body and a signature of them, see package
// secret, for the purpose "member meta", "member record" or "setting". The bytes are
// passed on as they came.
//
// The meta is a wirepb.Signed of wirepb.MemberMeta as the memberlist metadata, at most
// [MetaBytesMax]. Of one member's metas the one with the greater (counter, claim,
// leaving) holds; lower ones are refused as replays. The counter rises with
// each change of the record and is kept on disk in blocks of 2^20, so that no life of a
// node repeats one of the life before.
//
// The record is a wirepb.Signed of wirepb.MemberRecord. It counts if its body's
// SHA-256 is what the meta says; another is kept only if its counter is greater than
// that of the one in hand. When the hash in a meta is new, the record is asked for:
// of the member itself, then of others.
//
// With memberlist's push/pull each side sends a wirepb.MembershipState of at most
// [StateBytesMax]: all settings, and of the records all that fit when joining, else its
// own alone.
//
// # Settings
//
// Setting a key signs a wirepb.Setting with 1 more than the highest counter seen for
// it. Of two the one with the greater (counter, SHA-256 of the body) holds, everywhere.
// A change is written to disk before it is told of, sent at once to all members, and
// carried in every push/pull, which reaches those that missed it. No clock has a say.
//
// # Joining
//
// memberlist forgets the dead, and alone never heals a partition that lasted longer.
// So for ever a node joins every peer that it has ever known (by [Membership.Join] or
// as a member), is not denied and is not a member now: half a second after it was lost
// (at once where we have a connection to it: a lie is refuted by whom it is about),
// again after pauses that double, and then every 4 to 6 seconds; and also whenever a
// connection to it comes up.
//
// # States of a member
//
// Alive; suspect: reported dead, or our own connection to it broke, but not both; down:
// reported dead for [Config.Debounce], or while we have no connection to it; left: it
// said that it goes. A death is not believed at once, because nodes that heal a
// partition spread false ones for a moment.
//
// # Refusals
//
// A node of another protocol version is refused with its version named; so is a meta,
// record or setting that is malformed, too long or not signed by whom it speaks for.
// All are counted in [Status], which keeps the last fault of each peer, and logged once
// a minute for each peer. Two metas of one counter and one member that differ, or an
// own meta of another instance that keeps answering ours, show that two processes use
// one identity: a [CloneError] with both addresses.
//
// # Guarantees and limits
//
// Whoever has the mesh's secret is let in and may lie about who lives: a live node
// refutes that within moments. It cannot speak for others, nor replay what they said.
// A member may fill the table of settings or raise counters: both are bounded, and
// [Config.CheckSetting] says which keys exist. Memory is bounded: [MembersMax] members, 512
// KiB of settings, a queue of 64 packets a peer.
//
// memberlist's goroutines end up to a few seconds after [Membership.Run] has returned;
// they hold no sockets and call nothing of ours that has an effect.
package membership
