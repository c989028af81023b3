// Package dataset reads labelled data sets of multi-view samples into memory,
// and splits them.
//
// # Concepts
//
// A [Set] holds samples. A sample is one object at one moment, as each of the
// views saw it: pixels [view, channel, row, col], a label for each view, a label
// of its own, and a frame, the moment in time order. A view with nothing of the
// object in it is all zeros and is labelled [NotPresent]. Labels never decide
// what is seen: that is the presence rule of package topology, from pixels.
// Samples of neighbouring frames are near-duplicates, which is why a set is only
// ever split by frames ([Set.Split]).
//
// [Open] knows four sources.
//
// NumPy zips (*.npz) have the arrays
//
//	X      uint8, or float32 in 0..1   [sample, view, channel, row, col]
//	y      integers                    [sample, view]
//	label  integers, may be absent     [sample]
//	frame  integers, may be absent     [sample]
//
// in C order, little-endian. Classes count from zero in y and label, and the
// number of classes itself says "not present". A float is multiplied by 255 and
// rounded. Without label, a sample's label is that of most of its present views,
// the lowest on ties; without frame, its frame is its index. Where no class names
// are given, six views of 3 x 32 x 32 have the classes car, bus and person; in
// any other file the classes are called "0", "1" and so on, and the largest code
// says "not present" if nothing but empty views has it.
//
// Image folders are laid out as class/sample/view.png (or .jpg, .jpeg). Classes,
// samples and views are in natural order of their names (2 before 10); names that
// start with a dot are passed over. An absent file is nothing in view. Samples of
// one name are of one moment, whatever their class: the frame is the name itself
// where all sample names are numbers, and else the rank of the name, from zero.
// Pictures have any size and are resized by [Resize]; one that comes out as all
// zeros, as with a covered lens, is nothing in view as an absent one is.
//
// idx files, as those of MNIST, are pictures of one channel and their labels:
// PART-images-idx3-ubyte beside PART-labels-idx1-ubyte, each packed with gzip or not. Of a
// folder the parts train and t10k are read, in this order, and t10k is the published test
// part ([Set.TestFrames]). "tiles:RxC:PATH" cuts each picture into R rows and C columns of
// tiles, which are the views, called r0c0, r1c0 and so on: a picture is given two pixels of
// black on each side (28 x 28 becomes 32 x 32), tiles are as large as fit, and they are
// counted down each column. With 2x3 that is the task of the reference implementation of the
// paper, tile by tile: its Partition(3, 2) names the axes the other way round, and leaves
// two columns of margin unused. A tile without ink is nothing in view. Without "tiles" a
// picture is one view. Frames are indices.
//
// "street" is a scene that is rendered, not photographed ([Set.Synthetic]): see
// package street. "street:samples=N,seed=S" renders another one, and
// "street:cameras=8" has two more cameras look at the same.
//
// Views that nothing names are called camera0, camera1 and so on, so that names
// and numbers, which count from zero, agree.
//
// # The data hash
//
// Set.Hash is SHA-256 over, in this order and without padding,
//
//	the text "ganglion data set 1" and a newline,
//	samples, views, channels, rows, columns, classes,
//	the pixels                      [sample, view, channel, row, col], a byte each,
//	the view labels                 [sample, view],
//	the labels                      [sample],
//	the frames                      [sample],
//
// where all but the text and the pixels are 32-bit little-endian two's
// complement integers, NotPresent being -1. It is of what was read, not of the
// file: compressing a file anew or renaming classes, views or the file does not
// change it.
//
// # Guarantees
//
// A set from [Open] or [New] has at least one sample, samples of at least two
// classes, 1 to topology.MaxViews views, a shape within the limits of package
// topology, slices whose lengths agree, labels within the classes, frames from
// zero to 2^31-1 and at most [MaxPixelBytes] of pixels. Everything is
// deterministic and the same on every architecture: pixels come from integers
// alone, or from exact float conversions.
//
// Files are not trusted. What a file claims is compared with its size before
// anything is allocated on its word; every fault is an error of one line.
//
// # Limits
//
// A set is in memory as a whole. A split does not balance classes.
package dataset
