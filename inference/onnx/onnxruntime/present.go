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
		prepare: prepare, prepareWhole: prepareWhole, close: ort.DestroyEnvironment,
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
	options, err := newOptions(held)
	if err != nil {
		return nil, err
	}
	s := new(Session)
	input, err := newTensor[float32](section.Input, 1, held)
	if err != nil {
		return nil, err
	}
	s.Input = input.GetData()
	var names []string
	var outputs []ort.Value
	for _, t := range section.Outputs {
		output, err := newTensor[float32](t, 1, held)
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

func prepareWhole(whole *onnx.Whole, samples int) (*Batch, error) {
	var held resources
	b, err := newBatch(whole, int64(samples), &held)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare network for %d samples: %w", samples, err), held.close())
	}
	b.close = held.close
	return b, nil
}

func newBatch(whole *onnx.Whole, samples int64, held *resources) (*Batch, error) {
	options, err := newOptions(held)
	if err != nil {
		return nil, err
	}
	if len(whole.Inputs) != 2 {
		return nil, fmt.Errorf("%d inputs, not pixels and views", len(whole.Inputs))
	}
	b := new(Batch)
	pixels, err := newTensor[uint8](whole.Inputs[0], samples, held)
	if err != nil {
		return nil, err
	}
	views, err := newTensor[bool](whole.Inputs[1], samples, held)
	if err != nil {
		return nil, err
	}
	b.Pixels, b.Views = pixels.GetData(), views.GetData()
	var names []string
	var outputs []ort.Value
	for _, t := range whole.Outputs {
		value, output, err := newOutput(t, samples, held)
		if err != nil {
			return nil, err
		}
		names, outputs, b.Outputs = append(names, t.Name), append(outputs, value), append(b.Outputs, output)
	}
	session, err := ort.NewAdvancedSessionWithONNXData(whole.Model, []string{whole.Inputs[0].Name, whole.Inputs[1].Name}, names,
		[]ort.Value{pixels, views}, outputs, options)
	if err != nil {
		return nil, err
	}
	*held = append(*held, session)
	b.run = session.Run
	return b, nil
}

// newOutput is room for an output, as the library and as Go have it.
func newOutput(t onnx.Tensor, samples int64, held *resources) (value ort.Value, out Output, err error) {
	switch t.Type {
	case onnx.Float64:
		value, out.Float64, err = newValue[float64](t, samples, held)
	case onnx.Int64:
		value, out.Int64, err = newValue[int64](t, samples, held)
	case onnx.Bool:
		value, out.Bool, err = newValue[bool](t, samples, held)
	case onnx.Float32:
		value, out.Float32, err = newValue[float32](t, samples, held)
	default:
		err = fmt.Errorf("output %q has no type that is known here", t.Name)
	}
	return value, out, err
}

func newValue[T ort.TensorData](t onnx.Tensor, samples int64, held *resources) (ort.Value, []T, error) {
	tensor, err := newTensor[T](t, samples, held)
	if err != nil {
		return nil, nil, err
	}
	return tensor, tensor.GetData(), nil
}

// newOptions asks for one thread and every optimization.
func newOptions(held *resources) (*ort.SessionOptions, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	*held = append(*held, options)
	return options, errors.Join(
		options.SetIntraOpNumThreads(1),
		options.SetInterOpNumThreads(1),
		options.SetExecutionMode(ort.ExecutionModeSequential),
		options.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
		options.SetMemPattern(true),
		options.SetCpuMemArena(true),
	)
}

// newTensor is room for a tensor, with so many samples where its shape leaves that
// open.
func newTensor[T ort.TensorData](t onnx.Tensor, samples int64, held *resources) (*ort.Tensor[T], error) {
	shape := ort.NewShape(t.Shape...).Clone()
	for i, d := range shape {
		if d == onnx.Batch {
			shape[i] = samples
		}
	}
	tensor, err := ort.NewEmptyTensor[T](shape)
	if err != nil {
		return nil, err
	}
	*held = append(*held, tensor)
	return tensor, nil
}
