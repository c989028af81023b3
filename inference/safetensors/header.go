package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// header is the JSON before the data of a file.
type header struct {
	entries  []entry
	metadata map[string]string
}

// entry is one tensor, as the header tells of it.
type entry struct {
	name, kind string
	shape      []int
	begin, end uint64 // of its data
}

// parser reads a header token by token: a decoder that fills structs takes keys in any
// case, and of a key that occurs twice the last one, where other readers take the
// first.
type parser struct {
	decoder *json.Decoder
}

func parseHeader(text []byte) (*header, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, errors.New("its header does not begin with {")
	}
	p := parser{json.NewDecoder(bytes.NewReader(text))}
	p.decoder.UseNumber()
	h := new(header)
	err := p.object("the header", func(name string) error {
		if name == metadataName {
			return p.metadata(h)
		}
		return p.entry(h, name)
	})
	if err != nil {
		return nil, err
	}
	if rest := text[p.decoder.InputOffset():]; len(bytes.Trim(rest, " ")) != 0 {
		return nil, errors.New("something other than spaces follows its header")
	}
	return h, nil
}

func (p parser) metadata(h *header) error {
	h.metadata = map[string]string{}
	return p.object(metadataName, func(key string) (err error) {
		h.metadata[key], err = p.text(key)
		return err
	})
}

func (p parser) entry(h *header, name string) error {
	if len(name) > MaxName {
		return fmt.Errorf("the name %s has more than %d bytes", quote(name), MaxName)
	}
	e, given := entry{name: name}, 0
	err := p.object(quote(name), func(key string) (err error) {
		given++
		switch key {
		case "dtype":
			e.kind, err = p.text(key)
		case "shape":
			return p.shape(&e)
		case "data_offsets":
			return p.offsets(&e)
		default:
			return fmt.Errorf("tensor %s has the key %s, which the format does not know", quote(name), quote(key))
		}
		return err
	})
	if err == nil && given != 3 {
		err = fmt.Errorf("tensor %s lacks one of dtype, shape and data_offsets", quote(name))
	}
	h.entries = append(h.entries, e)
	return err
}

func (p parser) shape(e *entry) error {
	dims, err := p.numbers(e.name, MaxAxes)
	for _, d := range dims {
		if d > MaxFileBytes {
			return fmt.Errorf("tensor %s has an axis of length %d", quote(e.name), d)
		}
		e.shape = append(e.shape, int(d))
	}
	return err
}

func (p parser) offsets(e *entry) error {
	offsets, err := p.numbers(e.name, 2)
	if err != nil {
		return err
	}
	if len(offsets) != 2 {
		return fmt.Errorf("tensor %s has %d data_offsets, not 2", quote(e.name), len(offsets))
	}
	e.begin, e.end = offsets[0], offsets[1]
	return nil
}

// object reads an object, each of whose keys may occur once; value reads what stands
// behind a key.
func (p parser) object(what string, value func(key string) error) error {
	if err := p.delimiter(what, '{'); err != nil {
		return err
	}
	known := map[string]bool{}
	for p.decoder.More() {
		key, err := p.text(what)
		if err != nil {
			return err
		}
		if known[key] {
			return fmt.Errorf("%s has %s twice", what, quote(key))
		}
		known[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return p.delimiter(what, '}')
}

// numbers reads a list of up to so many integers, none negative.
func (p parser) numbers(what string, most int) ([]uint64, error) {
	if err := p.delimiter(quote(what), '['); err != nil {
		return nil, err
	}
	var out []uint64
	for p.decoder.More() {
		token, err := p.decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("read its header: %w", err)
		}
		number, ok := token.(json.Number)
		if !ok || len(out) == most {
			return nil, fmt.Errorf("tensor %s has a list that is not up to %d numbers", quote(what), most)
		}
		n, err := strconv.ParseUint(number.String(), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("tensor %s has the number %s, which is no length", quote(what), quote(number.String()))
		}
		out = append(out, n)
	}
	return out, p.delimiter(quote(what), ']')
}

func (p parser) text(what string) (string, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return "", fmt.Errorf("read its header: %w", err)
	}
	text, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("%s has %v where a string should be", quote(what), token)
	}
	return text, nil
}

func (p parser) delimiter(what string, want json.Delim) error {
	token, err := p.decoder.Token()
	if err != nil {
		return fmt.Errorf("read its header: %w", err)
	}
	if token != want {
		return fmt.Errorf("%s has %s where %v should be", what, quote(fmt.Sprint(token)), want)
	}
	return nil
}

// maxQuoted is the longest part of foreign text that is repeated in an error, in
// bytes.
const maxQuoted = 80

// quote repeats foreign text in an error: escaped, and cut where it is long.
func quote(s string) string {
	if len(s) <= maxQuoted {
		return strconv.Quote(s)
	}
	return strconv.Quote(strings.ToValidUTF8(s[:maxQuoted], "")) + "..."
}
