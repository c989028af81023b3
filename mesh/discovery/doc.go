// Package discovery finds the nodes of a mesh on the local network: it tells who
// may be a member and where to dial, and what other meshes are there. It carries
// no other data and keeps no connection.
//
// [Discovery] is for a node with a token, [Seek] for one without. Four ways run at
// once, and none that fails stops a node or another way:
//
//	beacon      our own UDP broadcasts on every interface, the loopback too
//	mdns        multicast DNS, which also crosses switches that drop broadcasts
//	join        addresses that the operator gave
//	remembered  the last known members, from a file
//
// What is heard goes to a [Consumer] as a [Candidate], which is worth a dial and no
// more: the private network's key and the handshake of the dial prove membership.
// A candidate is reported when it is first heard and every Config.Repeat while it
// is heard and not connected; a foreign node once, and again after a minute of
// silence; a clone once a minute.
//
// # Terms
//
// A lane is an IPv4 network that an interface in use is on, with its broadcast
// address. An instance is one life of one process, 64 random bits. A seeker is a
// node without a token, a foreign node one of another mesh, a stranger one of
// another version of this format, a clone a process with this node's own peer ID.
//
// # The beacon's format
//
// All numbers are big-endian. A datagram is at most 512 bytes:
//
//	offset  bytes  what
//	0       4      magic: 67 6e 67 b1 ("gng", then b1)
//	4       1      version: 1
//	5       1      kind: 1 announce, 2 ask, 3 answer, 4 seek
//	6       8      fingerprint of the mesh, 8 characters of a-z and 2-7; in a seek zero
//	14      8      instance of the sender, not 0
//	22      8      sequence: counts the instance's datagrams on all ways, from 1
//	30      8      echo: in an answer the instance that asked, else 0
//	38      1, n   length and UTF-8 of the node's name, 0 to 63 bytes, printable
//	..      1, n   length and bytes of the peer ID (binary, of an Ed25519 key); in a seek length 0
//	..      1      number of addresses, 1 to 8; in a seek 0
//	..             each: 1 byte length of the IP address, 4 or 16; the address; 2 bytes TCP port
//	..      16     authentication code, the end of the datagram
//
// Addresses are unicast, not unspecified, not link-local IPv6 and not IPv4 in IPv6,
// with a port other than 0. The code is the first 16 bytes of HMAC-SHA256, keyed
// with the mesh's beacon key, of "ganglion beacon 1\n" (18 bytes) and all of the
// datagram before the code. A seek is signed with a key of 32 zero bytes, which
// proves nothing, and which nobody checks. There is one spelling of each
// announcement; any other is refused. Later versions keep the first 14 bytes.
//
// Why not protobuf: the code must be checked before anything is parsed, of a
// foreign datagram the clear part must be read without that check, and a format of
// fixed places has one encoding, no unknown fields and nothing to allocate by a
// length from outside.
//
// # The beacon on the wire
//
// On each lane a node has two sockets. Its ear is bound to the lane's broadcast
// address and the beacon's port (4801), shared by all nodes of a machine, so that
// each hears every broadcast; being bound there it hears no other network. Its
// mouth is bound to the machine's own address and any free port; all is sent from
// it, and an answer to it reaches that very process. Broadcasts go to the lane's broadcast address, on
// the loopback interface to 127.255.255.255; answers go to the address and port
// that the question came from. Each lane announces this machine's address on that
// lane alone.
//
// How ports are shared differs. Linux: SO_REUSEADDR, every socket gets a copy of a
// broadcast. The BSDs and macOS: SO_REUSEPORT besides. Windows: SO_REUSEADDR, and
// since a broadcast address cannot be bound, the ear is bound to the machine's own
// address, which hears the broadcasts of its network. 127.255.255.255 is a
// broadcast address on Linux; elsewhere expect a fault in [Status], and let nodes of
// one machine find one another by their LAN's broadcasts or by join.
//
// # When a node speaks
//
// At once, then after Config.First (50 ms), then after twice the gap before, up to
// Config.Interval (5 s), each gap within a quarter either way; so again when its
// interfaces change. It asks until the steady beat is reached, and whenever it has
// heard no member for three intervals; else it announces. A member answers an ask
// or a seek at once, by unicast, to one member at most every 200 ms. Thus a
// newcomer hears the mesh in a round trip, however slow the others' beat is by
// then, and nodes switched on together hear one another within some 100 ms.
//
// # Multicast DNS
//
// The service is _ganglion._udp.local, the instance name random for each life of
// the record. Its TXT strings "b0=...", "b1=..." and so on, in order, are the
// pieces of at most 200 characters of the unpadded base64 of a datagram as above,
// an announce or a seek with the addresses of all interfaces in use; so that there
// is one format, one check and one decoder. Sequence is not checked, since a record
// is heard many times. Responder and browser are those of libp2p (zeroconf), used
// directly: libp2p's own service takes every interface of the machine. It runs on
// the interfaces in use that have multicast, never on the loopback, and starts anew
// when their addresses or the host's ports change.
//
// # What is checked, in this order
//
//	oversized    longer than 512 bytes
//	alien        shorter than any beacon, or another magic
//	misplaced    not from the lane's own network (checked again with the addresses)
//	(stranger)   another version: nothing behind the first 14 bytes is read
//	forged       our fingerprint, and the code is wrong
//	malformed    anything against the format
//	misplaced    not from an address that it announces
//	misdirected  an answer to another instance
//	overflow     256 datagrams wait to be taken
//	replayed     a sequence number of this instance that was heard, or older than 64
//	flood        a seeker that asks too often
//
// Own datagrams come back and are dropped. A socket reads at most about 1,000
// datagrams a second, so a flood costs a bounded share of a core and makes the
// beacon deaf; other ways go on. Every table is bounded and forgets whom it has not
// heard for longest: 1,024 members with 4 instances each, 64 foreign nodes, 256
// seekers' addresses.
//
// # What an attacker on the network can do
//
// Without the token: read names, fingerprints, peer IDs and addresses; flood; speak
// as a foreign mesh or a seeker, which can keep a node without a token from
// founding a mesh (the operator overrides), draw an answer from each member to a
// forged address of the same network, 8 at once and 2 a second; and repeat
// recordings: of a datagram that was heard nothing follows, of one that was not, or
// of a former life, a dial to an address that the same peer once had, which fails
// or proves itself. A recording sent from another address is refused. Nothing rests
// on a clock.
//
// # Founding
//
// A seeker asks at once, then ever more seldom, every 500 ms in the end, and listens
// for Config.Listen (3 s):
//
//	           a mesh was heard
//	listening ------------------> report it: found none
//	    |  \   3 s over, a seeker with a smaller instance was heard in the last 3 s
//	    |   '-> waiting --- its mesh is heard ---> report it
//	    |          '-- it was silent for 3 s, or 12 s are over --.
//	    '-- 3 s over, neither ------------------------------------> found
//
// Of seekers that hear one another only the one with the smallest instance founds.
// Where one cannot hear the other both may found, and each then reports the other's
// mesh as foreign.
//
// [Survey] asks and listens in the same way where no node is to start, and tells all of
// it. Its instance is the largest there is, so that no seeker waits for it.
//
// # Interfaces
//
// They are listed every Config.Poll (3 s). Without Config.Interfaces all are used
// that are up and have an address, but no bridge of containers or virtual machines
// and no tunnel; see [Select]. Config.Interfaces names those to use, and then no
// others: with the loopback interface alone only loopback addresses are sent to or
// reported, there is no multicast, and names are not looked up.
//
// # Join and the last known peers
//
// A target of --join names a place, libp2p dials peers: the host's Identify finds out
// who is there. That is tried until the host is connected to whoever answers,
// at first every Config.Retry (250 ms), doubling to Config.RetryMax (30 s), and anew
// when the interfaces change. The file of last known peers is JSON, with a version
// and the mesh's fingerprint, at most 64 peers, replaced as a whole; a damaged one
// is told and replaced. Its peers are candidates at the start, and again with the
// same waits while the host is connected to none of them.
//
// # Cuts
//
// Where Config.Cut says that the network is cut on purpose, no datagram is sent and none
// that arrives is looked at, no name is looked up, and mDNS ends until the cut does. Its
// library says goodbye first: one record that expires, which no node acts upon.
//
// # Limits
//
// The beacon is IPv4; on a network of IPv6 alone there are mdns, join and the
// remembered. Nothing here crosses a router but join and the remembered.
package discovery
