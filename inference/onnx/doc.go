// Package onnx writes the sections of a network as ONNX models, so that a runtime
// that shares no code with this program computes the same thing: as a judge of the
// packed kernels, and as what they are timed against. It writes the format itself:
// a model is one protobuf message, and package protowire is enough for the few
// fields that are needed. [ganglion/inference/onnx/onnxruntime] runs the models.
//
// # Concepts
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
// the seen sources. Aggregation is the caller's: which views are seen differs from
// sample to sample, and a model has one shape.
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
// maximum.
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
// signs the sums are integers and exact; scaled pixels and scores are not. Scores
// agree to about 1e-6 of their size, and a feature may differ where a normalized
// value is that close to zero.
package onnx
