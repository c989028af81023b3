//go:build !race

package nodetest_test

// defaultSeeds is as many as take half a minute of one core.
const defaultSeeds = 20
