// Package control is what stands around a node's control API: the server that a node is
// asked through, the run files by which a node is found, and the client that the command
// line asks with. What the calls mean is package node's; their schema is proto/controlpb.
//
// # Server
//
// [Server] serves connect, gRPC, gRPC-Web and plain JSON on one port, over HTTP/1.1 and
// over HTTP/2 without TLS. It is for programs of the same machine: it listens on loopback,
// and beyond it only with a token that every call has to show. Pages in a browser of the
// machine are no such programs: requests under a foreign host name, as after DNS rebinding,
// and requests that come from a page of anybody else are refused. Sizes of requests, times of
// uploads and the number of requests at once are bounded.
//
// # Page
//
// The node's own page is at /, for whoever asks for HTML; others get a line that says what
// this is. Its files are below /page/, pictures of samples at /look?sample=SAMPLE&view=VIEW.
// Every answer has headers by which a browser runs nothing but the page's own scripts, asks
// nobody but this server, shows it in no frame and keeps what it says out of its caches; the
// page is looked at anew each time, and a picture is kept by that browser for ten minutes.
//
// With a token the files of the page are served without it, and nothing else is: they are the
// same for every node and say nothing of this one. No cookie ever holds the token, so that no
// other page can have a browser show it. The page shows it as programs do, as a bearer token.
// A person types it once, or opens the page with #token=TOKEN behind its address, a part that
// browsers send to nobody; the page takes that out of the address at once and keeps the token
// for as long as its tab is open.
//
// Who follows a stream of Watch has to read: one that takes nothing for half a minute is cut
// off, because it holds one of few places.
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
