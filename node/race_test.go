//go:build race

package node_test

// mostJoining is how many cameras a run gets under the race detector, where virtual time is dear.
const mostJoining = 3
