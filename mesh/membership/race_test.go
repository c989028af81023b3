//go:build race

package membership_test

// raceSeeds is how many seeds of a scenario run under the race detector. Its memory of
// goroutines does not survive the hundreds of clusters of a full run (it ends in a
// segmentation fault of its own), so that the others run without it.
const raceSeeds = 2
