// Package reference is the network written down as plainly as possible, in naive
// float32 loops over unpacked maps, straight from the weights of a bundle and the
// equations of the paper (DDNN, ICDCS 2017, sections III-B to III-D).
//
// It is what the packed kernels must agree with bit for bit: sums of signs and of
// 8-bit pixels are integers under 2^24, which float32 holds exactly, so there is
// one right answer. It is slow on purpose: nothing in it is worth a doubt. Tests,
// the kernel benchmark and `ganglion model verify` run it; nothing live does.
package reference
