// Ganglion runs distributed deep neural networks over devices, edges and a cloud.
// See README.md, or `ganglion help`.
package main

import (
	"os"

	"ganglion/node/command"
)

// version is set by the linker in releases; otherwise the build's own record of
// its commit is told.
var version string

func main() {
	os.Exit(command.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, version))
}
