// Package control is what stands around a node's control API: the server that a node is
// asked through, the run files by which a node is found, and the client that the command
// line asks with. What the calls mean is package node's; their schema is proto/controlpb.
//
// # Server
//
// [Server] serves connect, gRPC, gRPC-Web and plain JSON on one port, over HTTP/1.1 and
// over HTTP/2 without TLS. It is for programs of the same machine: it listens on loopback,
// and beyond it only with a token that every call has to show. A page in a browser of the
// machine is no such program: requests under a foreign host name, as after DNS rebinding,
// and requests that come from a page are refused. Sizes of requests, times of uploads and
// the number of requests at once are bounded.
//
// # Run files
//
// A node that runs has a [RunFile], named by its process: PID.json in the run directory
// ($GANGLION_RUN_DIR, $XDG_RUNTIME_DIR/ganglion or ganglion-UID in the folder of temporary
// files). It says where the API is and where the token's file is, never the token. A file
// whose process is gone is removed by whoever reads the directory next. The number of a
// process comes again: where the system tells it, the start of the process is compared
// too, and [Finder] takes no node at its run file's word but asks it for its identity.
//
// # Following
//
// [Node.Follow] reads verdicts from one node and, when that node ends, from another of the
// same mesh that runs on this machine. Every line comes once: beats are asked for again
// from a little before the first that is open, samples on demand from the end of the log,
// and what was told is left out. What a node names as a gap is looked for at the others,
// and told as a gap only where none has it.
//
// Limits: a node on another machine is followed only by its address, to which the follower
// returns; there is no TLS: beyond one's own network, use a tunnel. After more than 4096
// lines without a node to follow, samples on demand may be passed over in silence, because
// they are not numbered; beats are not.
package control
