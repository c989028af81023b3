package benchmesh

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A quantile that is off by one rank would tell a p99.9 of a thousand samples as their
// maximum, or hide it.
func TestQuantile(t *testing.T) {
	to := func(n int) (out []time.Duration) {
		for i := range n {
			out = append(out, time.Duration(i+1))
		}
		return out
	}
	for _, test := range []struct {
		name string
		of   []time.Duration
		q    float64
		want time.Duration
	}{
		{"none", nil, 0.5, 0},
		{"one", to(1), 0.999, 1},
		{"median of two", to(2), 0.5, 1},
		{"median of three", to(3), 0.5, 2},
		{"p99 of a hundred", to(100), 0.99, 99},
		{"p99.9 of a thousand", to(1000), 0.999, 999},
		{"p99.9 of a hundred", to(100), 0.999, 100},
		{"least", to(10), 0, 1},
		{"most", to(10), 1, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Quantile(test.of, test.q); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

// One bad round, while a compiler ran, must not be the figure: medians of rounds are. But
// it must show in p99.9.
func TestOfRounds(t *testing.T) {
	rounds := [][]time.Duration{{3, 1, 2}, {900, 900, 900}, {2, 3, 1}, {}}
	want := Spread{Samples: 9, P50: 2, P99: 3, P999: 900}
	if diff := cmp.Diff(want, ofRounds(rounds)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Spread{}, ofRounds(nil)); diff != "" {
		t.Errorf("of nothing (-want +got):\n%s", diff)
	}
}

// The rate is that of the beats where every sample takes the same time, however long; less
// where the last ones are late; and no more where the first was slow.
func TestRateOf(t *testing.T) {
	const ms = time.Millisecond
	steady := slices.Repeat([]time.Duration{20 * ms}, 100)
	late := slices.Clone(steady)
	late[98] = 122 * ms // 101 ms behind the last of the others
	slow := slices.Clone(steady)
	slow[0] = 60 * ms
	for _, test := range []struct {
		name string
		of   []time.Duration
		want float64
	}{{"none", nil, 0}, {"one", steady[:1], 1000}, {"steady", steady, 1000}, {"late", late, 100 / 0.201}, {"slow at first", slow, 1000}} {
		t.Run(test.name, func(t *testing.T) {
			if got := rateOf(test.of, ms); math.Abs(got-test.want) > 1e-6 {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
