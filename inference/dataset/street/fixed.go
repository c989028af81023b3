package street

import "math/bits"

// unit is the length of a direction: directions are fixed-point numbers of 14
// bits. Lengths are in millimetres, angles in turns of fullTurn.
const (
	unitBits = 14
	unit     = 1 << unitBits
	fullTurn = 4096
)

// vec is a point or a direction; x is east, y is north, z is up.
type vec struct{ x, y, z int64 }

func (a vec) plus(b vec) vec { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }

func (a vec) minus(b vec) vec { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }

func (a vec) dot(b vec) int64 { return a.x*b.x + a.y*b.y + a.z*b.z }

func (a vec) cross(b vec) vec {
	return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x}
}

// direction is a, scaled to unit length; a must not be zero.
func (a vec) direction() vec {
	n := max(root(a.dot(a)), 1)
	return vec{a.x * unit / n, a.y * unit / n, a.z * unit / n}
}

// lerp is the point at t/256 of the way from a to b.
func lerp(a, b vec, t int64) vec {
	return vec{a.x + (b.x-a.x)*t/256, a.y + (b.y-a.y)*t/256, a.z + (b.z-a.z)*t/256}
}

// sine is Bhaskara's rational approximation of the sine, within 0.2 % of unit,
// in integers.
func sine(angle int64) int64 {
	const half = fullTurn / 2
	angle &= fullTurn - 1
	sign := int64(unit)
	if angle >= half {
		angle, sign = angle-half, -sign
	}
	p := angle * (half - angle)
	return sign * (16 * p) / (5*half*half - 4*p)
}

func cosine(angle int64) int64 { return sine(angle + fullTurn/4) }

// turned is a, turned about the vertical.
func (a vec) turned(sin, cos int64) vec {
	return vec{(a.x*cos - a.y*sin) >> unitBits, (a.x*sin + a.y*cos) >> unitBits, a.z}
}

// root is the integer square root, rounded down.
func root(v int64) int64 {
	if v <= 0 {
		return 0
	}
	x := int64(1) << ((bits.Len64(uint64(v)) + 1) / 2)
	for {
		y := (x + v/x) / 2
		if y >= x {
			return x
		}
		x = y
	}
}

func clamp(v, low, high int64) int64 { return max(low, min(v, high)) }
