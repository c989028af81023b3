// Package mesh is a node's part in a mesh: it finds the others, knows who is there, and
// carries frames to each and messages to all. It knows nothing of what they mean. It
// puts together what its subpackages and gossipsub do, decides what falls between them,
// and adds no format of its own.
//
// # Parts
//
//	secret       the token, the keys derived from it, the identity of a node
//	link         connections and streams between two nodes; frames and requests on them
//	discovery    who may be a member, and where: beacon, multicast DNS, join, remembered
//	membership   who is a member and lives; what it says of itself; shared settings
//	gossipsub    messages to everyone (github.com/libp2p/go-libp2p-pubsub)
//	meshtest     a network in memory, for tests
//
// All of it goes over one TCP port, but for discovery's datagrams. The protocols on a
// connection are those of packages link and membership,
//
//	/ganglion/link/1
//	/ganglion/membership/packets/1   /ganglion/membership/streams/1
//	/ganglion/membership/records/1
//
// libp2p's identify (/ipfs/id/1.0.0, /ipfs/id/push/1.0.0), and gossipsub's
// /meshsub/1.2.0 and no other version of it. What passes on each is told by
// [Mesh.Traffic].
//
// # From hearing to talking
//
//	a candidate is found ----> its addresses are noted for 10 minutes, it is joined
//	(given by address: it is dialled at once, for it cannot know of this node)
//	it is a member ----------> the host stays connected to it, the framed link comes up
//	it is down for a minute -> the host dials it no more; membership still tries to join
//	it left, or is denied ---> the host dials it no more
//
// Every 5 s those who are members or were lately are remembered, the live ones first,
// in the file peers.json of [Config.Dir], so that a restart needs no other way.
//
// # Denied members
//
// The setting [DeniedKey] holds those whom the mesh has thrown out; see [ParseDenied]
// for its format. It holds from before the first connection on, and after each change
// at once, in this order: membership forgets them, gossip refuses what they sign, the
// host ends their connections and takes no new ones. A denied member still has the
// token: it may listen to the beacons, and whoever copies the token may come with a new
// identity. Against that, make a new token. Other keys are the application's:
// [Config.CheckSetting].
//
// # Gossip
//
// One topic, "ganglion/1". A message is gossipsub's, with author, sequence number and
// the Ed25519 signature (StrictSign); its payload is 1 to [GossipBytesMax] bytes of the
// application. Its ID is the author's peer ID and the sequence number, one behind the
// other, the default of gossipsub: a hash of the payload would swallow the second of
// two equal messages, and would have to be computed before the signature is checked. A
// frame of gossipsub is at most 16 KiB longer than the largest payload, a control
// message at most 16 KiB. Subscriptions to other topics are not heard.
//
// A message is checked before anything is done with it, and once: topic, size, the
// author's key, that the author is not denied, and that it is a member or connected.
// The refusals are counted by name in [GossipStatus], beside gossipsub's own, such as
// "invalid signature" and "missing signature".
//
// The author sends its message to everyone that it is connected to (flood publishing):
// on one network that is everyone, and one hop is the fastest way and the cheapest. The
// others pass it on to 4 of them (3 to 6), for those that the author is not connected
// to; and because nearly always nobody needs that, they wait 25 ms. Meanwhile, whoever
// received the message says IDONTWANT to those 4 (from 256 bytes on), which leaves
// nothing to pass on. The handler does not wait. With eight nodes a message of 30 KB
// costs 1.02 to 1.1 times its bytes for each receiver; without the pause 2.2 times with
// a degree of 2, 4.4 with 4 and 6.1 with 6 (TestGossipCost; TUNE=1 measures these). A
// heartbeat is 500 ms, sends nothing when nothing was published, and offers what was
// published in the last three to peers outside the 4 (IHAVE).
//
// There is no peer exchange and no DHT: discovery and membership know everyone. There
// is no scoring of peers: it defends open networks against swarms of cheap identities.
// Here only who has the token gets in, who misbehaves is denied by name, and a score
// would silence a slow device, which is the last thing wanted of it.
//
// Gossip is lossy. Queues drop where a peer or the handler is too slow, and whoever has
// just connected misses what was published meanwhile. Nothing that must not be lost may
// rest on it, nor on order, though messages of one author mostly arrive in it. A member
// may repeat another's message after two minutes, when gossipsub has forgotten it.
//
// # Start and stop
//
// [New] opens the port; peers that connect before [Mesh.Run] are told to try again.
// Run starts, in this order, and each stage without waiting for anything from outside:
//
//	host, links, gossip, membership, discovery, dialling, tending
//
// and when its context ends, ends them in the reverse order, each when the one after it
// has ended: the node is not sought any more, remembers whom it knew, tells that it
// leaves (at most 1 s), publishes nothing more, lets queued frames be acknowledged (at
// most 500 ms), closes the connections. A stage that ends by itself ends all. Run does not
// wait for a stage that has not ended 5 s after it was told to, and names it in its error:
// a handler blocks, as a rule. Goroutines of memberlist and gossipsub end up to a few seconds
// after Run has returned; they hold no sockets and call nothing that has an effect.
//
// # Guarantees
//
// Frames are as reliable as package link says, membership as correct as package
// membership says. No way of discovery that fails ends the mesh: [Status] says so.
// Handlers of [Mesh.OnGossip] and [Mesh.OnHeard] are called from one goroutine each, one
// call at a time. Every queue is bounded: 32 own messages to be published, 128 to be
// handled, 64 for each peer, 128 to be passed on; what is too much is counted.
// [Mesh.Gossip] and [Mesh.Send] never block.
//
// # Warnings
//
// [Status] has sentences for a person: the node is alone for 10 s, with the causes and
// the way out; another mesh or another version is near; the identity was copied; the
// port is taken; an address to join fails; a network interface is deaf or mute; messages
// of a member are refused; the network is slower than expected; the mesh has denied this
// node. They follow from values alone, see warnings.go.
//
// # Limits
//
// Everyone is connected to everyone: that is meant for tens of nodes, not for hundreds.
// Whoever has the token is trusted with bandwidth and memory within the bounds above.
// Idle, each of eight nodes sends some 1.2 KB/s, nearly all of it for membership.
package mesh
