package dataset

import (
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// The shares of a split, in percent, and the sizes of its blocks in frames.
const (
	testPercent       = 20 // of the set's frames, where no test frames are given
	testBlocks        = 4  // blocks of test frames, at most
	validationPercent = 15 // of the training frames
	validationBlock   = 5  // frames of a block of validation frames, at most
)

// Split is the three parts of a set: sample indices, each part ascending, every
// sample in exactly one part. All samples of a frame are in the same part.
type Split struct {
	Train, Validation, Test []int
}

// SplitOptions says how a set is split. The zero value splits by blocks of
// seed zero.
type SplitOptions struct {
	// Test is the frames of the test part. Empty: those that were published with the
	// set or, without any, blocks of frames, spread over time, a fifth of them all, by
	// Seed.
	Test FrameRanges

	// Seed draws the blocks. The same set, options and seed give the same split
	// on every architecture.
	Seed uint64
}

// Split parts the set by frames. What is not test is parted again: 15 % of the
// remaining frames are validation, in short blocks spread over time, none
// of them straddling a test frame. An error says which part would be empty, or
// that the training part has one class.
func (s *Set) Split(opts SplitOptions) (Split, error) {
	split, err := s.split(opts)
	if err != nil {
		return Split{}, fmt.Errorf("split data set %s: %w", s.Name, err)
	}
	return split, nil
}

func (s *Set) split(opts SplitOptions) (Split, error) {
	frames := s.distinctFrames()
	if len(frames) < 3 {
		return Split{}, fmt.Errorf("its samples are of %d distinct frames, and training, validation and test need one each; give it more frames", len(frames))
	}
	draw := drawer{rand.NewPCG(opts.Seed, 0x67616e676c696f6e)}
	var inTest map[int]bool
	test := opts.Test
	if len(test) == 0 {
		test = s.TestFrames
	}
	if len(test) > 0 {
		samples, err := s.SamplesIn(test)
		if err != nil {
			return Split{}, err
		}
		inTest = make(map[int]bool)
		for _, i := range samples {
			inTest[s.Frames[i]] = true
		}
	} else {
		want := share(len(frames), testPercent)
		inTest = blocks(draw, frames, sequence(len(frames)), want, (want+testBlocks-1)/testBlocks)
	}
	rest := slices.DeleteFunc(sequence(len(frames)), func(at int) bool { return inTest[frames[at]] })
	if len(rest) < 2 {
		return Split{}, fmt.Errorf("the test frames leave %d of %d frames, and training and validation need one each; name fewer test frames", len(rest), len(frames))
	}
	want := share(len(rest), validationPercent)
	inValidation := blocks(draw, frames, rest, want, min(validationBlock, (want+1)/2))

	var split Split
	for i, f := range s.Frames {
		switch {
		case inTest[f]:
			split.Test = append(split.Test, i)
		case inValidation[f]:
			split.Validation = append(split.Validation, i)
		default:
			split.Train = append(split.Train, i)
		}
	}
	return split, s.checkTraining(split.Train)
}

func (s *Set) checkTraining(train []int) error {
	first := NotPresent
	for _, i := range train {
		switch label := s.Labels[i]; {
		case label == NotPresent || label == first:
		case first == NotPresent:
			first = label
		default:
			return nil
		}
	}
	return errors.New("the training part would have samples of fewer than two classes; choose other test frames or another seed")
}

// share is percent of n, rounded to nearest, at least one.
func share(n, percent int) int {
	return max(1, (n*percent+50)/100)
}

// blocks draws want of the frames at the given places (ascending indices of
// frames), in blocks of about the given length: the places are cut into as many
// equal strata as there are blocks, and in each one block is put at random. A
// block never straddles a frame that is not among the places; where no block of
// the length fits it is shortened.
func blocks(draw drawer, frames, places []int, want, length int) map[int]bool {
	chosen := make(map[int]bool, want)
	count := (want + length - 1) / length
	for b := range count {
		stratum := places[b*len(places)/count : (b+1)*len(places)/count]
		size := min((b+1)*want/count-b*want/count, len(stratum))
		for ; size > 0; size-- {
			var starts []int
			for at := 0; at+size <= len(stratum); at++ {
				if stratum[at+size-1]-stratum[at] == size-1 {
					starts = append(starts, at)
				}
			}
			if len(starts) == 0 {
				continue
			}
			at := starts[draw.below(len(starts))]
			for _, place := range stratum[at : at+size] {
				chosen[frames[place]] = true
			}
			break
		}
	}
	return chosen
}

// drawer draws numbers from a generator whose stream is fixed by its
// definition. rand.Rand's own bounded draws depend on the size of int.
type drawer struct{ source *rand.PCG }

// below is a number from 0 to n-1.
func (d drawer) below(n int) int {
	high, _ := bits.Mul64(d.source.Uint64(), uint64(n))
	return int(high)
}
