package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/safetensors"
)

// raw is a file with a header that a test writes by hand.
func raw(header string, data ...byte) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), data...)
}

// What other programs write must be read: any order of keys, padding behind the header,
// scalars, tensors of no elements, metadata.
func TestDecode(t *testing.T) {
	got, err := safetensors.Decode(raw(
		`{"b":{"shape":[],"data_offsets":[4,6],"dtype":"I16"},"__metadata__":{"format":"pt","é\n":""},`+
			`"a":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]},"none":{"dtype":"F64","shape":[3,0],"data_offsets":[6,6]}}   `,
		1, 2, 3, 4, 5, 6))
	want := &safetensors.File{
		Metadata: map[string]string{"format": "pt", "é\n": ""},
		Tensors: []safetensors.Tensor{
			{Name: "a", Type: "U8", Shape: []int{2, 2}, Data: []byte{1, 2, 3, 4}},
			{Name: "b", Type: "I16", Data: []byte{5, 6}},
			{Name: "none", Type: "F64", Shape: []int{3, 0}, Data: []byte{}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	again, err := got.Encode()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := safetensors.Decode(again)
	if diff := cmp.Diff(want, decoded); diff != "" || err != nil {
		t.Errorf("written and read again: %v (-want +got):\n%s", err, diff)
	}
	if n := binary.LittleEndian.Uint64(again); n%8 != 0 {
		t.Errorf("the data begin at byte %d, which is not aligned", 8+n)
	}
}

// A file from outside is refused for what it is, before anything is made of it.
func TestDecodeRefuses(t *testing.T) {
	const tensor = `"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`
	one := func(fields string) []byte { return raw(`{"a":{`+fields+`}}`, 1, 2, 3, 4) }
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "no room"},
		{"seven bytes", make([]byte, 7), "no room"},
		{"a header longer than the file", binary.LittleEndian.AppendUint64(nil, 100), "only 0 follow"},
		{"a header of many gigabytes", append(binary.LittleEndian.AppendUint64(nil, 1<<62), '{'), "header would have"},
		{"another file", []byte("PK\x03\x04 a checkpoint of PyTorch, which is a zip"), "header would have"},
		{"no header", raw(""), "begin with {"},
		{"spaces before the header", raw(` {}`), "begin with {"},
		{"a list", raw(`[]`), "begin with {"},
		{"half a header", raw(`{"a":`), "header"},
		{"no JSON", raw(`{"a" 1}`), "header"},
		{"two headers", raw(`{}{}`), "follows its header"},
		{"a name twice", raw(`{`+tensor+`,`+tensor+`}`, 1, 2, 3, 4), "twice"},
		{"metadata twice", raw(`{"__metadata__":{},"__metadata__":{}}`), "twice"},
		{"metadata of numbers", raw(`{"__metadata__":{"a":1}}`), "where a string should be"},
		{"a key twice", one(`"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]`), "twice"},
		{"a key too many", one(`"dtype":"F32","shape":[1],"data_offsets":[0,4],"stride":[1]`), "does not know"},
		{"a key in capitals", one(`"DTYPE":"F32","shape":[1],"data_offsets":[0,4]`), "does not know"},
		{"no shape", one(`"dtype":"F32","data_offsets":[0,4]`), "lacks one of"},
		{"no object", raw(`{"a":1}`), "should be"},
		{"an unknown type", one(`"dtype":"F33","shape":[1],"data_offsets":[0,4]`), "does not know"},
		{"a negative length", one(`"dtype":"F32","shape":[-1],"data_offsets":[0,4]`), "no length"},
		{"a fraction", one(`"dtype":"F32","shape":[1.0],"data_offsets":[0,4]`), "no length"},
		{"an exponent", one(`"dtype":"F32","shape":[1e0],"data_offsets":[0,4]`), "no length"},
		{"a length beyond 64 bits", one(`"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,4]`), "no length"},
		{"a product beyond 64 bits", one(`"dtype":"F32","shape":[268435456,268435456,268435456],"data_offsets":[0,4]`), "more bytes than a file has"},
		{"a long axis", one(`"dtype":"F32","shape":[4294967297],"data_offsets":[0,4]`), "axis of length"},
		{"nine axes", one(`"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]`), "up to 8 numbers"},
		{"one offset", one(`"dtype":"F32","shape":[1],"data_offsets":[4]`), "1 data_offsets"},
		{"three offsets", one(`"dtype":"F32","shape":[1],"data_offsets":[0,4,4]`), "up to 2 numbers"},
		{"offsets backwards", one(`"dtype":"F32","shape":[1],"data_offsets":[4,0]`), "truncated or damaged"},
		{"data beyond the end", one(`"dtype":"F32","shape":[2],"data_offsets":[0,8]`), "truncated or damaged"},
		{"data left over", one(`"dtype":"F16","shape":[1],"data_offsets":[0,2]`), "belong to no tensor"},
		{"another size than its shape", one(`"dtype":"F32","shape":[2],"data_offsets":[0,4]`), "which takes 8"},
		{"an overlap", raw(`{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 1, 2, 3, 4), "within another"},
		{"a hole", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 1, 2, 3, 4), "belong to none"},
		{"a long name", raw(`{"` + strings.Repeat("n", 257) + `":{}}`), "more than 256 bytes"},
		{"deeply nested", raw(`{"a":` + strings.Repeat("[", 20_000) + `}`), "should be"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := safetensors.Decode(test.file)
			if !errors.Is(err, safetensors.ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("decoded %v, %v; want an error with %q", f, err, test.want)
			}
		})
	}
}

// Writing must not make what reading refuses.
func TestEncodeRefuses(t *testing.T) {
	for name, f := range map[string]safetensors.File{
		"two of a name": {Tensors: []safetensors.Tensor{{Name: "a", Type: "U8"}, {Name: "a", Type: "U8"}}},
		"wrong size":    {Tensors: []safetensors.Tensor{{Name: "a", Type: "F32", Shape: []int{2}, Data: make([]byte, 4)}}},
	} {
		if _, err := f.Encode(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Whatever the bytes are, they are refused or they are a file that is written and read
// again as the same.
func FuzzDecode(f *testing.F) {
	f.Add(raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3, 4))
	f.Add(raw(`{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}} `, 1))
	f.Add(raw(`{"a":{"dtype":"BOOL","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"I8","shape":[2,1],"data_offsets":[0,2]}}`, 1, 2))
	f.Add(raw(`{}`))
	f.Add(binary.LittleEndian.AppendUint64(nil, 1<<63))
	f.Fuzz(func(t *testing.T, content []byte) {
		first, err := safetensors.Decode(content)
		if err != nil || len(content) > 64<<10 { // escaped, a large header may grow beyond the limit
			return
		}
		encoded, err := first.Encode()
		if err != nil {
			t.Fatal(err)
		}
		second, err := safetensors.Decode(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if len(second.Tensors) != len(first.Tensors) {
			t.Fatalf("%d tensors became %d", len(first.Tensors), len(second.Tensors))
		}
		for i, a := range first.Tensors {
			if b := second.Tensors[i]; a.Name != b.Name || a.Type != b.Type || !bytes.Equal(a.Data, b.Data) {
				t.Fatalf("%+v became %+v", a, b)
			}
		}
	})
}
