//go:build !race

package membership_test

// raceSeeds is 0 where the race detector is not there to be spared.
const raceSeeds = 0
