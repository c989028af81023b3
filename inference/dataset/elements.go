package dataset

import (
	"fmt"
	"io"
)

// widths is the number of bytes of an element, by the types that a data set may
// have.
var widths = map[string]int{
	"|u1": 1, "<u1": 1, "|i1": 1, "<i1": 1,
	"<u2": 2, "<i2": 2, "<u4": 4, "<i4": 4, "<u8": 8, "<i8": 8,
	"<f4": 4,
}

func (a *array) isFloats() bool { return a.dtype == "<f4" }

func (a *array) isPixels() bool { return a.isFloats() || a.dtype == "|u1" || a.dtype == "<u1" }

func (a *array) isInts() bool { return !a.isFloats() }

// ints reads every element. A nil array has none.
func (a *array) ints() ([]int, error) {
	if a == nil {
		return nil, nil
	}
	out := make([]int, 0, a.count())
	var err error
	switch a.dtype[1:] {
	case "u1":
		err = readInts[uint8](a, &out)
	case "i1":
		err = readInts[int8](a, &out)
	case "u2":
		err = readInts[uint16](a, &out)
	case "i2":
		err = readInts[int16](a, &out)
	case "u4":
		err = readInts[uint32](a, &out)
	case "i4":
		err = readInts[int32](a, &out)
	case "u8":
		err = readInts[uint64](a, &out)
	case "i8":
		err = readInts[int64](a, &out)
	}
	if err != nil {
		return nil, err
	}
	return out, a.finish()
}

func readInts[T uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64 | int64](a *array, out *[]int) error {
	values := make([]T, a.count())
	if len(values) == 0 {
		return nil
	}
	if err := a.reader.Read(&values); err != nil {
		return a.damaged(err)
	}
	for i, v := range values {
		// As a uint64, a negative number is a large one.
		if v < 0 || uint64(v) > maxFrame {
			return fmt.Errorf("element %d of array %s is %d, want 0 to %d; correct it", i, a.name, v, maxFrame)
		}
		*out = append(*out, int(v))
	}
	return nil
}

// pixels reads every element of a picture array as bytes; a float in 0..1 is
// multiplied by 255 and rounded half up.
func (a *array) pixels() ([]byte, error) {
	out := make([]byte, a.count())
	if !a.isFloats() {
		// The elements are the bytes; the library would read them one by one.
		if _, err := io.ReadFull(a.rest, out); err != nil {
			return nil, a.damaged(err)
		}
		return out, a.finish()
	}
	// The chunk divides the array, so that the library never reads past its end.
	values := make([]float32, len(out)/a.shape[0])
	for at := 0; at < len(out); at += len(values) {
		if err := a.reader.Read(&values); err != nil {
			return nil, a.damaged(err)
		}
		for i, v := range values {
			// Written so that NaN fails it.
			if !(v >= 0 && v <= 1) {
				return nil, fmt.Errorf("a pixel of sample %d in array X is %v, want 0 to 1; divide the pictures by their maximum and replace what is no number", at/len(values), v)
			}
			// Exact: 24 bits times 8 bits fit a float64.
			out[at+i] = byte(float64(float64(v)*255) + 0.5)
		}
	}
	return out, a.finish()
}
