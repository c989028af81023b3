// Package layer holds the layers of a deployed network that compute in floating
// point, and the step that rids the binary ones of it: batch normalization and
// sign folded into one integer threshold per filter.
//
// # Exactness
//
// Every result is the same bits on every architecture. The order of every sum is
// part of a function's definition, every product is rounded to float32 before it
// is added (a compiler may otherwise fuse the two into one rounding, as it does
// on arm64), and division and square root are correctly rounded by IEEE 754.
//
// # Batch normalization
//
// For channel c of a map, with epsilon of the bundle format:
//
//	scale = gamma / sqrt(variance + epsilon)
//	y     = (x - mean) * scale + beta
//
// each operation rounded to float32. Every step is monotone in x, so y(x) >= 0
// has one switching point, which [BatchNorm.Fold] finds by asking the formula
// itself: the folded network cannot disagree with the float one, for negative
// gamma as well.
//
// # Sizes
//
// Maps are [channel, row, col] in row-major order. Functions write to a
// destination that the caller owns, allocate nothing, and panic on a length that
// does not fit: lengths are the programmer's affair here, bytes from outside are
// checked where they enter.
package layer
