// Package doctor says what is wrong with a node, with the network around it, and with what it
// has to work with: the likely cause, and the command that mends it.
//
// # Concepts
//
// Facts are a controlpb.DiagnoseResponse without findings. A node that runs tells its own, by
// its control API; where none runs, [Look] gathers what a machine can tell by itself. [Judge]
// makes findings of facts: it is pure, so that a cause that was once seen in the field is a row
// of a table here. A finding has a code, which programs rely on, and is grave, or a remark; see
// [Codes]. docs/doctor.md tells of each what it means.
//
// # How causes are told apart
//
//	own messages do not come back          this machine keeps them: a firewall, an interface
//	own ones do, others' do not            the network between does, or nobody is there
//	others' come by one way, not the other the network carries one of broadcast and multicast
//	a node is heard, dialling it is not    its port is closed, or the way back is cut
//	answered
//	it can be dialled, and cannot dial     this machine's port is closed
//
// What explains why a node is alone takes the place of the finding that it is alone.
//
// # Guarantees
//
// A healthy node has no finding, neither while a mesh comes together nor while a member
// restarts: what mends itself in seconds is not told. Findings come in one order, the worst
// first. Nothing here writes to the network but [Look], which asks as a node without a token
// does, and nothing tells a token.
//
// # Limits
//
// A node that nobody hears and that hears nobody cannot tell a network that blocks from one
// where nobody is: the finding names both.
package doctor
