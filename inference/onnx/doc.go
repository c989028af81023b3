// Package onnx writes a network as ONNX models, section by section and whole, so that
// a runtime that shares no code with this program computes the same thing: as a judge
// of the packed kernels, as what they are timed against, and as a way out for whoever
// wants to run the network elsewhere. It writes the format itself: a model is one
// protobuf message, and package protowire is enough for the few fields that are
// needed. [ganglion/inference/onnx/onnxruntime] runs the models.
//
// # Sections
//
// A [Network] is the topology and the content of a checked bundle. Each of its
// sections becomes a [Section]: a model for one sample with one input and an output
// per result of the section. Maps are float32 tensors [1, channel, row, col], scores
// [1, class].
//
// A section takes what its first convolution takes. For a device section that is
// the view's pixels as preprocessing leaves them: each 8-bit pixel divided by 255.
// For an edge or the cloud it is the aggregated map: signs of the sources side by
// side with an unseen source as zeros (CC), the largest (MP) or the mean (AP) over
// the seen sources. Aggregation is the caller's ([Aggregate]).
//
// # The whole
//
// [Network.Whole] is everything in one graph, for any number of samples at once: the
// presence rule, the devices, aggregation over whatever views there are, the edges, the
// cloud, and the exit rule. Its inputs:
//
//	pixels  uint8 [batch, view, channel, row, col], as captured
//	views   bool [batch, view]: false where nothing came from that view; its pixels count for nothing
//
// Its outputs are the answer:
//
//	class    int64 [batch]; -1: no view was seen
//	exit     int64 [batch]: 0 none, 1 local, 2 edge, 3 cloud
//	group    int64 [batch]: whose exit, where there are groups
//	scores   float32 [batch, class], of the exit that answered
//	entropy  float64 [batch], normalized, of the exit that answered
//
// and what it rests on: seen [batch, view]; features [batch, view, channel, row, col]
// and device_scores [batch, view, class] of the devices, edge_features and edge_scores
// by group; the scores and the entropy of every exit, whether it answered or not
// (local_scores, local_entropy, edge_entropy, cloud_scores, cloud_entropy). What was
// not seen is zeros. A tier or an exit that the topology has not has no outputs. The
// thresholds are constants of the graph ([ThresholdsName]); whoever wants to decide by
// others has the entropy of every exit. The names of views and classes are in the
// model's metadata, as JSON lists.
//
// # The network in ONNX's operators
//
//	block  Conv (pad 1) - MaxPool (3x3, pad 1, not without a pool) - BatchNormalization - sign or Relu
//	sign   GreaterOrEqual 0 - Where +1 or -1
//	exit   Flatten - Gemm (transB) - BatchNormalization
//
// The sign is two operators because ONNX's Sign is 0 at 0, where this network's is
// +1. Binary weights are written as floats of -1 and +1. Batch normalization comes
// after the pool, as in the paper (DDNN, ICDCS 2017, section IV-A), and is never
// folded into the convolution: with a negative gamma it does not commute with the
// maximum. Weights have the names that package safetensors gives them.
//
// # The format
//
// Models declare IR version 8 and version 15 of the default operator set, both of
// ONNX 1.10 (2021): version 15 is the last change of BatchNormalization, every other
// operator used is older in meaning, and every runtime since reads them. Attributes
// that have the standard's default are left out. Weights are in raw_data, which is
// little-endian by definition. The same network gives the same bytes.
//
// # Exactness
//
// A runtime sums and normalizes floats in an order and with roundings of its own. On
// signs the sums are integers and exact; so are those of pixels in the whole, whose
// binary layers divide by 255, and by the number of views (AP), after the convolution.
// What is left is batch normalization and float layers: scores agree to about 1e-6 of
// their size, and a feature, or an exit, may differ where a normalized value is that
// close to zero, or an entropy to its threshold.
//
// # The judgement
//
// `make judge` holds the kernels of the embedded model against onnxruntime: every test
// sample, with every subset of its views, feature by feature and exit by exit. It must
// not only pass: kernels with planted faults, in the weights, in the bits that travel
// and in the source itself, must fail it.
package onnx
