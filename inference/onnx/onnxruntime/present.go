//go:build onnxruntime && cgo

package onnxruntime

import (
	"errors"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"

	"ganglion/inference/onnx"
)

func open(library string) (*Runtime, error) {
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(); err != nil {
		return nil, fmt.Errorf("load onnxruntime %s: %w; version 1.24 or later is needed", library, err)
	}
	return &Runtime{
		Library: library, Version: ort.GetVersion(),
		prepare: prepare, close: ort.DestroyEnvironment,
	}, nil
}

// resources are what a session holds, in the order in which they were made.
type resources []interface{ Destroy() error }

// close frees everything, the last first.
func (r *resources) close() error {
	var errs []error
	for i := range *r {
		errs = append(errs, (*r)[len(*r)-1-i].Destroy())
	}
	*r = nil
	return errors.Join(errs...)
}

func prepare(section *onnx.Section) (*Session, error) {
	var held resources
	s, err := newSession(section, &held)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare section: %w", err), held.close())
	}
	s.close = held.close
	return s, nil
}

func newSession(section *onnx.Section, held *resources) (*Session, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	*held = append(*held, options)
	if err := configure(options); err != nil {
		return nil, err
	}
	s := new(Session)
	input, err := newTensor(section.Input, held)
	if err != nil {
		return nil, err
	}
	s.Input = input.GetData()
	var names []string
	var outputs []ort.Value
	for _, t := range section.Outputs {
		output, err := newTensor(t, held)
		if err != nil {
			return nil, err
		}
		names, outputs = append(names, t.Name), append(outputs, output)
		s.Outputs = append(s.Outputs, output.GetData())
	}
	session, err := ort.NewAdvancedSessionWithONNXData(section.Model, []string{section.Input.Name}, names,
		[]ort.Value{input}, outputs, options)
	if err != nil {
		return nil, err
	}
	*held = append(*held, session)
	s.run = session.Run
	return s, nil
}

// configure asks for one thread and every optimization.
func configure(options *ort.SessionOptions) error {
	return errors.Join(
		options.SetIntraOpNumThreads(1),
		options.SetInterOpNumThreads(1),
		options.SetExecutionMode(ort.ExecutionModeSequential),
		options.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
		options.SetMemPattern(true),
		options.SetCpuMemArena(true),
	)
}

func newTensor(t onnx.Tensor, held *resources) (*ort.Tensor[float32], error) {
	tensor, err := ort.NewEmptyTensor[float32](ort.NewShape(t.Shape...))
	if err != nil {
		return nil, err
	}
	*held = append(*held, tensor)
	return tensor, nil
}
