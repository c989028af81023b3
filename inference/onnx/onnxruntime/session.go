package onnxruntime

import "ganglion/inference/onnx"

// Runtime is a loaded library. It and its sessions are for one goroutine.
type Runtime struct {
	Library string // path
	Version string // as the library tells it

	prepare      func(*onnx.Section) (*Session, error)
	prepareWhole func(*onnx.Whole, int) (*Batch, error)
	close        func() error
}

// Open loads a library. A process has one open at a time.
func Open(library string) (*Runtime, error) { return open(library) }

// Prepare makes a section ready to run.
func (r *Runtime) Prepare(s *onnx.Section) (*Session, error) { return r.prepare(s) }

// PrepareWhole makes a whole network ready to run on so many samples at once.
func (r *Runtime) PrepareWhole(w *onnx.Whole, samples int) (*Batch, error) {
	return r.prepareWhole(w, samples)
}

// Close unloads the library, after its sessions are closed.
func (r *Runtime) Close() error { return r.close() }

// Session is a section that is ready to run, with room for one sample.
type Session struct {
	Input   []float32   // to be written before Run, in the shape of the section's input
	Outputs [][]float32 // written by Run, in the order of the section's outputs
	run     func() error
	close   func() error
}

// Run computes Outputs from Input, on the calling thread.
func (s *Session) Run() error { return s.run() }

// Close frees the session. Input and Outputs must not be used after it.
func (s *Session) Close() error { return s.close() }

// Batch is a whole network that is ready to run, with room for a number of samples.
type Batch struct {
	Pixels  []byte   // [sample, view, channel, row, col], to be written before Run
	Views   []bool   // [sample, view], to be written before Run: the views that are not missing
	Outputs []Output // written by Run, in the order of the network's outputs
	run     func() error
	close   func() error
}

// Output holds the elements of one output, in the slice of its type.
type Output struct {
	Float32 []float32
	Float64 []float64
	Int64   []int64
	Bool    []bool
}

// Run computes Outputs from Pixels and Views, on the calling thread.
func (b *Batch) Run() error { return b.run() }

// Close frees the batch. Its slices must not be used after it.
func (b *Batch) Close() error { return b.close() }
