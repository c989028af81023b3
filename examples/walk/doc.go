// Package walk takes the walks of the examples in their tests: shell scripts that start the
// program as a person would, in network namespaces of their own, and show what happens.
//
// A walk fails by itself where something never comes, and where its README.md has a line
// that does not work. [Take] holds besides what is to be seen, in its order. It runs where
// GANGLION_TEST_NETWORK names the program, as `make test-network` does.
package walk
