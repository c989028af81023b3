// Package bits runs the binary sections of a deployed network: maps packed at
// one bit an element, and integer kernels on them. It is what the eBNN and DDNN
// papers (McDanel, Teerapittayanon, Kung, EWSN 2017; Teerapittayanon, McDanel,
// Kung, ICDCS 2017, section IV-A) call fused binary blocks: convolution, pool,
// batch normalization and sign in one step, of which only bits leave.
//
// # Formats
//
// An element of a map is -1 or +1, its bit 0 or 1. A map of [topology.Shape] is
// a bit string in pixel-major order: element [channel, row, col] is bit
// (row*Cols+col)*Channels + channel. On the wire bit i is bit i%8 of byte i/8,
// and bits after the last element are zero: [Check] refuses anything else, so a
// map has one form only. In memory bit i is bit i%64 of word i/64, the same
// string in uint64s; [Unpack] and [Pack] only copy.
//
// Weights are bit strings on the wire, 1 for +1: of a convolution [filter,
// channel, ky, kx], with the channels of concatenated sources one source after
// the other; of a linear layer [class, channel, row, col].
//
// # Layers
//
// [ByteConv] takes 8-bit pixels: the first block of a device. [BitConv] takes
// the maps of one or more sources, concatenated (CC). [SumConv] takes the sum of
// the maps of the seen sources (AP without its division). [Or] is their maximum
// (MP). [Linear] is the sum before an exit. Convolutions are 3x3, correlate
// (tap [ky, kx] is for the neighbour [row+ky-1, col+kx-1]), and are padded by
// one pixel that counts exactly 0.
//
// All are exact integers, equal on every architecture. The one decision is a
// [Threshold] per filter on the integer sum S, taken before the pool: since
// batch normalization is monotone, the sign of the normalized maximum of a
// window is the OR of the signs in it, inverted where gamma < 0.
//
// # How bits are counted
//
// For q matches among n elements and weights, S = 2q - n. A byte of the channels
// of a pixel is looked up in a table whose entry has its matches with 16
// filters, at once for the three columns of a row of taps that the pixel can be
// under: six words of eight lanes. Sums of entries are the counts of 16 filters
// at three pixels; they stay below 256 for as many channels as the paper has,
// and are moved to lanes of 16 bits for more. This needs neither a population
// count nor wide registers, and no rearrangement of the input: pixel-major bytes
// are the indices. On the shapes of the paper it is two times as fast as
// bit-sliced carry-save counters and three times as fast as population counts
// (BenchmarkRivals). Its price is memory: 12 KB for eight channels, a row of
// taps and 16 filters; large layers are looked up by half bytes.
//
// Pads, and the sources that were not seen (bit i of a mask for source i; exact
// zeros in CC), change n and nothing else: the bits of an unseen source are read
// as 0 and their constant number of matches is added to what a sum is compared
// with, and a sum on the border starts from the difference that its pads make.
//
// For 8-bit pixels, a word holds the sums of four pixels in lanes of 16 bits. A
// row of three taps has one of eight patterns of signs; the eight possible
// results are computed once for a row of pixels and shared by all filters and
// by the three rows of output that the row lies under.
//
// # Guarantees
//
// Kernels are immutable and safe for concurrent use. Apply does not allocate:
// its working memory is a [Scratch] of the caller's, made once for all kernels
// that run one after the other. Constructors and Apply panic on arguments that do
// not fit one another, a programmer's mistake; what comes from outside passes
// [Check] or [CheckString] before.
//
// # Limits
//
// Sides of up to [topology.MaxSide] (and from 1 on, as pools leave them), up to
// [topology.MaxFilters] filters, [topology.MaxChannels] channels of pixels,
// [MaxChannels] of bits. The tables of a layer take up to tableBytes or, if they
// would be larger, 32 times the size of the weights; channels and filters that
// do not fill a chunk and a bank are rounded up.
package bits
