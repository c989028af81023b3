package street

import "math/bits"

// random is the splitmix64 generator (Steele, Lea, Flood, OOPSLA 2014). Each
// thing that is drawn has a generator of its own, made from the seed and what it
// is for, so that no draw moves another.
type random struct{ state uint64 }

// What a generator is for.
const (
	forTracks uint64 = iota + 1
	forModel
	forMotion
	forWorld
	forSensor
	forNoise
	forLight
)

func newRandom(keys ...uint64) *random {
	r := &random{}
	for _, k := range keys {
		r.state ^= k
		r.state = r.next()
	}
	return r
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is a number from 0 to n-1.
func (r *random) below(n int64) int64 {
	high, _ := bits.Mul64(r.next(), uint64(n))
	return int64(high)
}

// between is a number from low to high, both included.
func (r *random) between(low, high int64) int64 { return low + r.below(high-low+1) }

// chance is true in the given share of draws, in percent.
func (r *random) chance(percent int64) bool { return r.below(100) < percent }

// oneOf is one of some values.
func oneOf[T any](r *random, values []T) T { return values[r.below(int64(len(values)))] }
