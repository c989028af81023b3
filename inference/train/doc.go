// Package train makes a network: it trains all sections and exits of a topology
// jointly on a data set and returns them as a bundle.
//
// # What is minimised
//
// The joint loss of the DDNN paper (Teerapittayanon, McDanel, Kung, ICDCS 2017,
// section III-D): with scores z_e at head e and label y,
//
//	L = sum over e of w_e * mean over rows of -log softmax(z_e)[y].
//
// The heads are each device's own exit, with the label of its view; the local
// and edge exits of every group, and the cloud's, with the label of the sample. A
// device whose view has no label and a group that sees nothing are ignored at
// their heads. Labels are used for this and nothing else: which views are seen is
// decided by the topology's presence rule on the original pixels, minus views
// that are dropped at random, so that the weights expect cameras to fail. A
// dropped or unseen view is in no row of its device section, hence in no
// statistics; an aggregator runs over the seen ones alone.
//
// # Layers
//
// A block is the paper's fused binary block (section IV-A), in its order:
//
//	a = W * x                    3x3 convolution, zero padding, no bias
//	p = max over 3x3 of a        stride 1 or 2
//	n = gamma * (p - mean) / sqrt(variance + epsilon) + beta
//	h = sign(n), sign(0) = +1
//
// and an exit is z = norm(W h), without sign. In float sections a ReLU stands in
// place of the inner signs. Binary weights are the signs of latent float weights
// in [-1, 1] (BinaryConnect, Courbariaux, Bengio, David, 2015); gradients pass the
// sign of a weight unchanged and that of an activation where |n| <= 1, the
// straight-through estimator (Hubara et al., Binarized Neural Networks, 2016).
// Batch normalization (Ioffe and Szegedy, 2015) has its exact gradient. The
// optimiser is Adam (Kingma and Ba, 2015) with a warm-up and a cosine decay.
//
// Before each validation the normalizations' statistics are estimated anew,
// level by level, with the binary weights as they are then; see estimate. The
// network of the best validation is the result.
//
// # Guarantees
//
// The same seed, data, split, topology and settings make the same bytes on one
// architecture, whatever the number of workers, and however often training was
// interrupted and resumed. Random numbers come from streams that depend on what
// they are for alone, and every sum is one goroutine's, in a fixed order. On
// another architecture rounding may differ, because compilers may fuse a product
// and a sum.
//
// Samples of the test part of a split are never looked at. A loss or a gradient
// that is not finite ends training with an error. After construction a batch
// allocates nothing.
//
// # Limits
//
// The pixels of the set, and the activations of one batch, are held in memory.
// One [Run] uses its own state and shares nothing: several may run at a time.
//
// # Terms
//
// A row is one input of a section: a seen view of a sample for a device, a sample
// for the cloud. A head is anything that gives scores. A level is the number of
// batch normalizations between the views and a layer. Shapes are written with the
// names of their axes, slowest first: [row, channel, row, col].
package train
