// Package onnxruntime runs the ONNX models of a network's sections with Microsoft's
// onnxruntime, a CPU library in C++ that shares no code with this program: a judge of
// what the packed kernels compute, and the float runtime that they are timed against.
// Nothing live uses it.
//
// # The library
//
// It is not linked but loaded while the program runs: [Find] looks for it, [Open]
// loads it. The shortest way to have it is npm, which needs no compiler and no
// administrator:
//
//	npm install --ignore-scripts onnxruntime-node@1.24.3
//
// --ignore-scripts leaves out the download of a GPU build; the CPU library comes with
// the package itself. Any version from 1.24 on has the interface that is used here.
//
// # The build tag
//
// Loading it needs cgo and a C compiler, which the released static binaries are built
// without. The runtime is therefore in builds with the tag onnxruntime alone:
//
//	go run -tags onnxruntime . bench kernels
//	go test -tags onnxruntime ./inference/onnx/...
//
// In other builds [Open] fails with [ErrNotBuilt].
//
// # How it runs
//
// On the calling thread alone, sequentially, with every graph optimization, on tensors
// that are allocated once: as fast as it goes for one sample on one core. A process
// has one library at a time.
package onnxruntime
