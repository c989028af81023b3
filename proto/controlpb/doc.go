// Package controlpb is the schema of a node's control API, and the connect client and
// handler generated from it. It holds generated code alone: package node says what the
// calls do.
package controlpb
