package evaluation

import (
	"bytes"
	"fmt"

	"ganglion/inference"
	"ganglion/inference/dataset"
)

// Part is a part of the data that a bundle was trained on.
type Part uint8

// The parts of a split.
const (
	Test Part = iota
	Validation
)

func (p Part) String() string {
	if p == Validation {
		return "validation"
	}
	return "test"
}

// Remembered is the samples of a part of the data that a bundle was trained on, as
// its provenance has them. With data of another hash, or a bundle that remembers no
// such frames, it is every sample, and found is false.
func Remembered(b *inference.Bundle, set *dataset.Set, part Part) (samples []int, found bool, err error) {
	p := b.Provenance()
	frames := p.GetTestFrames()
	if part == Validation {
		frames = p.GetValidationFrames()
	}
	if frames == "" || !bytes.Equal(p.GetDataHash(), set.Hash[:]) {
		return Every(set), false, nil
	}
	ranges, err := dataset.ParseFrames(frames)
	if err == nil {
		samples, err = set.SamplesIn(ranges)
	}
	if err != nil {
		return nil, false, fmt.Errorf("find the %v frames of bundle %s: %w", part, b.ID().Short(), err)
	}
	return samples, true, nil
}

// Every lists all samples of a set.
func Every(set *dataset.Set) []int {
	samples := make([]int, set.Len())
	for i := range samples {
		samples[i] = i
	}
	return samples
}
