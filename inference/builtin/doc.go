// Package builtin holds the model that the program carries with it: the paper's
// network (six devices and a cloud) trained on the built-in street scene, so that
// everything can be tried without a file.
//
// The scene is rendered, not photographed, and every verdict of this model says so.
// Its provenance is inside it, as in any bundle. `go generate` makes it again from a
// fixed seed, the same bytes on amd64; `make check-model` shows that it still does.
package builtin

//go:generate go run ./generate street.ganglion
