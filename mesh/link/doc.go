// Package link carries bytes between nodes: a [Host] with authenticated, encrypted
// connections and raw streams, and on top of it [Links], which carry frames. It knows
// nothing of who should be a member, nor of what the bytes mean.
//
// # Concepts
//
// A peer is another node, named by its [Peer] ID, which the transport proves. A
// connection is one TCP connection; a stream is one of many that share it. A link is
// the one long-lived stream between two peers that frames travel on. A frame is a
// message of a [Kind], of which a request is one that is answered by a reply.
//
// # Transport
//
// libp2p over TCP, from a connection's first byte: libp2p's private network (XSalsa20
// with the mesh's key), multistream-select of /noise, Noise XX with Ed25519
// identities, /yamux/1.0.0 agreed within the handshake. No QUIC, no relay, no hole
// punching, no port mapping: nothing talks to anybody but peers of the mesh. After
// that both sides run libp2p's identify (/ipfs/id/1.0.0), which tells the other our
// addresses and protocols.
//
// Peers that learn of one another at once would dial one another at once. So the one
// with the smaller ID, by the bytes of its text, dials; the other waits 300 to 500 ms
// for it and then dials too. Of two connections that came about nevertheless, who
// dialled both ends the later one, and who has the greater ID ends one that it dialled
// when it has one that it did not.
//
// # Links
//
// The protocol is /ganglion/link/1. The peer with the smaller ID opens the stream as
// soon as there is a connection, and again when it ends while the connection lasts; a
// stream that the other opens is reset. A new stream replaces an older one. Each
// direction is a sequence of
//
//	length (varint, at most 4 bytes, at least 1)   bytes of the frame
//	body                                           a wirepb.Frame, fields in order, payload last
//
// with at most 128 bytes of a frame besides its payload, and at most 4 MiB of payload.
//
// The opener's first frame is a probe of kind 0. The accepter's first frame is the
// acknowledgement of it. For each side the link is up when it has received the first
// frame of the other: it has been admitted, which a connection alone does not show.
// The first frame must begin within 5 s. Frames of other kinds are sent when the link
// is up.
//
// Frames with a kind other than 0, and probes, are numbered in each direction of the
// stream from 1, in the order written; the number is not sent. A receiver
// acknowledges by telling how many it has received, and for how many microseconds it
// has held the last: on the next frame that it sends anyway, or in a frame of kind 0
// after 110 ms, or at once where a probe asks for it. A frame is acknowledged as soon as
// it has been received whole, before its handler runs. Time between the queuing of a
// frame and its acknowledgement, less the time held, is a round trip; but not that of
// the first probe, in which the stream is opened. Where none was measured for 2 s, and
// when the link has come up, a probe is sent.
//
// A request has a number, which its reply repeats along with its kind. Replies come in
// any order. A peer answers a request of a kind that it does not handle, or that is too
// large, with the status that says so; a frame of that sort that is no request it
// drops. Both it counts, and logs once a minute for each peer.
//
// A frame that is longer than any may be, whose fields are malformed or out of order,
// or that has begun and does not arrive in 5 s (more for long ones: 64 KiB a second are
// enough), ends the stream with a reset, and none is opened or accepted for a second.
//
// # Guarantees
//
// Frames of one stream arrive whole, once and in order, and their handlers are called
// in that order, one at a time for each peer. A frame that was queued arrives unless
// the stream ends; an acknowledgement says that it did. Nothing is sent twice: when a
// stream ends, what was under way is lost or not, and requests end with
// [ErrUnreachable]. [Links.Send] never blocks; the queue to each peer is bounded and
// says when it is full. The end of a peer's process is told of by an [Event] as soon as
// the kernel on its side closes the connection, within milliseconds on a local network;
// the loss of its machine or cable is noticed after up to 40 s by keep-alive (a probe
// every 30 s, 10 s for the answer), and much sooner by whoever watches
// [Health.Waiting].
//
// The limit of a frame's kind is checked before there is room for its payload, and
// room is made as bytes arrive. A peer costs at most one frame of the largest kind that
// is handled, one queue, and what libp2p's resource manager allows.
//
// # Impairment
//
// A host with [Config.Impairable] can have its traffic cut, delayed and lost on purpose,
// by [Host.Impair], as if its cable were bad: a wire lies between its TCP sockets and all
// that is above them, private network and handshakes included. Its peers need not know.
// Without it no connection is wrapped; with it and nothing impaired, reads and writes go
// straight to the socket.
//
// A cut is silence, in both directions and for every peer. A dial from behind it ends at
// its deadline. A dial to there finds a kernel that connects, and nobody who answers; such
// connections wait in the listener's backlog. What the kernel had been given before the cut
// still leaves. When it heals, everything that was held goes on, in order, as it would
// with TCP, unless a keep-alive or the membership has given the connection up. Bytes that
// the peer sent during the cut were acknowledged by this machine's kernel: unlike on a
// real cable, a peer's TCP keep-alive (after some minutes) and its retransmission timeout
// (after a quarter of an hour) do not end it.
//
// A connection that is closed behind a cut is closed here at once, and its socket stays
// open until the cut heals, so that the peer does not hear of it: a FIN or a reset would
// not pass a pulled cable. Then it is reset. Bytes that it had not sent are dropped, since
// libp2p closes without lingering. At most 256 sockets wait like that; no new ones come
// during a cut, so it takes more connections than a host has by default. What ends the
// process ends the silence as well: kernels close the sockets of dead processes, and
// [Host.Close] does the same.
//
// A delay lies half on each way; it holds bytes, not writes: up to 1 MiB in each direction
// of each connection is under way at once, which is one stream's window, and then writing
// blocks, or reading from the socket stops. Loss is drawn for each 1448 bytes, in each
// direction, from a generator of each connection ([Config.ImpairSeed]). A lost segment
// comes 200 ms later, 400 ms more if it is lost again, and so on up to 2 minutes, and
// whatever is behind it waits: a retransmission timeout, not TCP's quicker recoveries, which
// need traffic that a heartbeat is not. Neither the handshake of TCP itself nor UDP is
// delayed or lost; package discovery knows of cuts alone.
//
// # Limits
//
// Whoever knows the token is let in: against members this package defends memory and
// order, not bandwidth. A handler that blocks holds up the frames of its peer alone,
// replies to our requests included. Order holds within a stream; when one replaces
// another, the last frames of the old one may be handled after the first of the new.
package link
