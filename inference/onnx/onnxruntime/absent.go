//go:build !onnxruntime || !cgo

package onnxruntime

func open(string) (*Runtime, error) { return nil, ErrNotBuilt }
