//go:build !race

package node_test

// mostJoining is how many cameras a run gets: all that there are.
const mostJoining = 8
