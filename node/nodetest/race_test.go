//go:build race

package nodetest_test

// defaultSeeds is fewer under the race detector, which makes each take five times as long.
const defaultSeeds = 3
