package inference

import "math"

// The exit rule needs exp and log that are the same bits on every architecture;
// the standard library's have assembly on some. Both below use additions,
// multiplications and one division, each rounded on its own, in a fixed order.

const (
	// log2 split in two, so that k*ln2High is exact for the k that occur
	// (the split of fdlibm's exp).
	ln2High = 6.93147180369123816490e-01
	ln2Low  = 1.90821492927058770002e-10
)

// exp is e to the power x for x <= 0, within 2e-16 relative; it is 0 below -700.
func exp(x float64) float64 {
	if x < -700 {
		return 0
	}
	k := math.Floor(float64(x/math.Ln2) + 0.5)
	r := float64(x - float64(k*ln2High))
	r = float64(r - float64(k*ln2Low))
	// Taylor's series in Horner's form: |r| <= ln2/2, so the 14th term is under 1e-17.
	sum := 1.0
	for n := 13.0; n >= 1; n-- {
		sum = float64(1 + float64(float64(r/n)*sum))
	}
	return math.Ldexp(sum, int(k))
}

// log is the natural logarithm of a finite x >= 1, within 4e-16 absolute of the
// larger of itself and 1.
func log(x float64) float64 {
	mantissa, exponent := math.Frexp(x) // in [1/2, 1)
	if mantissa < math.Sqrt2/2 {
		mantissa *= 2
		exponent--
	}
	// log m = 2 atanh(s) with s = (m-1)/(m+1), |s| < 0.172.
	s := float64((mantissa - 1) / (mantissa + 1))
	square := float64(s * s)
	sum := 0.0
	for n := 23.0; n >= 1; n -= 2 {
		sum = float64(float64(square*sum) + float64(1/n))
	}
	k := float64(exponent)
	low := float64(float64(k*ln2Low) + float64(float64(2*s)*sum))
	return float64(float64(k*ln2High) + low)
}
