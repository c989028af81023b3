package onnxruntime

import "ganglion/inference/onnx"

// Runtime is a loaded library. It and its sessions are for one goroutine.
type Runtime struct {
	Library string // path
	Version string // as the library tells it
	prepare func(*onnx.Section) (*Session, error)
	close   func() error
}

// Open loads a library. A process has one open at a time.
func Open(library string) (*Runtime, error) { return open(library) }

// Prepare makes a section ready to run.
func (r *Runtime) Prepare(s *onnx.Section) (*Session, error) { return r.prepare(s) }

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
