package dataset

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// FrameRange is the frames First to Last, both included.
type FrameRange struct{ First, Last int }

// FrameRanges is a set of frames, ascending, no two ranges overlapping.
type FrameRanges []FrameRange

// ParseFrames reads frames written as "1-65,190-204": numbers and ranges, by
// commas, in any order. Ranges that overlap become one.
func ParseFrames(text string) (FrameRanges, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("parse frames: there is no frame; write them like 1-65,190-204")
	}
	var ranges FrameRanges
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		first, errFirst := parseFrame(low)
		last, errLast := parseFrame(high)
		if errFirst != nil || errLast != nil {
			return nil, fmt.Errorf("parse frames: %q is neither a frame from 0 to %d nor a range of them; write them like 1-65,190-204", part, math.MaxInt32)
		}
		if first > last {
			return nil, fmt.Errorf("parse frames: the range %q runs backwards; write it %d-%d", part, last, first)
		}
		ranges = append(ranges, FrameRange{first, last})
	}
	return ranges.merged(), nil
}

// parseFrame reads plain decimal digits: no sign, no underscore.
func parseFrame(text string) (int, error) {
	v, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	return int(v), err
}

// merged sorts the ranges and joins those that overlap.
func (r FrameRanges) merged() FrameRanges {
	slices.SortFunc(r, func(a, b FrameRange) int { return a.First - b.First })
	out := r[:0]
	for _, next := range r {
		if n := len(out); n > 0 && next.First <= out[n-1].Last {
			out[n-1].Last = max(out[n-1].Last, next.Last)
			continue
		}
		out = append(out, next)
	}
	return out
}

// Contains reports whether a frame is in the set.
func (r FrameRanges) Contains(frame int) bool {
	for _, fr := range r {
		if frame >= fr.First && frame <= fr.Last {
			return true
		}
	}
	return false
}

// String writes the frames as ParseFrames reads them.
func (r FrameRanges) String() string {
	var b strings.Builder
	for i, fr := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(fr.First))
		if fr.Last != fr.First {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(fr.Last))
		}
	}
	return b.String()
}

// FramesOf is the canonical form of the frames of some samples: as few ranges
// as possible, each from a frame that has a sample to one that has, none of
// them holding the frame of a sample whose frame is not among those given. For
// samples that are every sample of their frames, SamplesIn gives them back.
func (s *Set) FramesOf(samples []int) FrameRanges {
	chosen := make(map[int]bool, len(samples))
	for _, i := range samples {
		chosen[s.Frames[i]] = true
	}
	var ranges FrameRanges
	open := false
	for _, frame := range s.distinctFrames() {
		switch {
		case !chosen[frame]:
			open = false
		case open:
			ranges[len(ranges)-1].Last = frame
		default:
			ranges = append(ranges, FrameRange{frame, frame})
			open = true
		}
	}
	return ranges
}

// SamplesIn is the samples of the given frames, ascending. A range that holds
// no sample is an error.
func (s *Set) SamplesIn(ranges FrameRanges) ([]int, error) {
	frames := s.distinctFrames()
	for _, fr := range ranges {
		if at, _ := slices.BinarySearch(frames, fr.First); at == len(frames) || frames[at] > fr.Last {
			return nil, fmt.Errorf("find frames in data set %s: %s holds no sample; its frames are %s", s.Name, FrameRanges{fr}, runs(frames))
		}
	}
	var samples []int
	for i, frame := range s.Frames {
		if ranges.Contains(frame) {
			samples = append(samples, i)
		}
	}
	return samples, nil
}

// distinctFrames is every frame that has a sample, ascending.
func (s *Set) distinctFrames() []int {
	frames := slices.Clone(s.Frames)
	slices.Sort(frames)
	return slices.Compact(frames)
}

// runs writes ascending frames as ranges of consecutive numbers, the first few
// and the last.
func runs(frames []int) string {
	var ranges FrameRanges
	for _, f := range frames {
		if n := len(ranges); n > 0 && ranges[n-1].Last+1 == f {
			ranges[n-1].Last = f
			continue
		}
		ranges = append(ranges, FrameRange{f, f})
	}
	const shown = 6
	if len(ranges) <= shown {
		return ranges.String()
	}
	return ranges[:shown-1].String() + ",..," + ranges[len(ranges)-1:].String()
}
