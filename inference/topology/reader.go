package topology

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

type node = yaml.Node

const (
	sequenceKind = yaml.SequenceNode

	textTag    = "!!str"
	integerTag = "!!int"
	booleanTag = "!!bool"
	nullTag    = "!!null"
)

// reader reads YAML nodes into typed values and collects faults with their
// lines. Every method that reads a node refuses anchors and aliases, so that no
// node is visited twice.
type reader struct {
	checker
	lines map[string]int // line by key path; "" is the whole
}

func (r *reader) addf(n *node, path, format string, args ...any) {
	r.checker.addf(path, format, args...)
	r.faults[len(r.faults)-1].Line = n.Line
}

// line is the line of a key or of the nearest key around it. What no key of the
// file says comes from its preset, or from its first line.
func (r *reader) line(path string) int {
	for path != "" {
		if line, found := r.lines[path]; found {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	if line, found := r.lines["preset"]; found {
		return line
	}
	return r.lines[""]
}

// inside reports whether a key path is that of outer, or of something in it.
func inside(path, outer string) bool {
	rest, found := strings.CutPrefix(path, outer)
	return found && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// document is the root of the only document of a file, or nil with a fault.
func (r *reader) document(data []byte) *node {
	if len(data) > MaxFileBytes {
		r.checker.addf("", "the file has more than %d bytes: a topology takes a few hundred, check that it is one", MaxFileBytes)
		return nil
	}
	if !r.characters(data) {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && (len(doc.Content) == 0 || doc.Content[0].ShortTag() == nullTag) {
		r.checker.addf("", "the file is empty: give at least a line such as preset: %s", DefaultPreset)
		return nil
	}
	if err != nil {
		r.syntax(data, err)
		return nil
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		r.addf(&second, "", "a second document begins here: keep one")
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(data, err)
		return nil
	}
	root := doc.Content[0]
	r.lines[""] = root.Line
	return root
}

// characters refuses what is not text before the YAML reader does so without a
// line.
func (r *reader) characters(data []byte) bool {
	line := 1
	for rest := data; len(rest) > 0; {
		c, size := utf8.DecodeRune(rest)
		switch {
		case c == utf8.RuneError && size == 1:
			r.addf(&node{Line: line}, "", "the byte 0x%02x is not UTF-8: save the file as UTF-8", rest[0])
			return false
		case c == '\n':
			line++
		case unicode.IsControl(c) && c != '\t' && c != '\r':
			r.addf(&node{Line: line}, "", "the control character %U does not belong into a text: remove it", c)
			return false
		}
		rest = rest[size:]
	}
	return true
}

// syntax adds what the YAML reader says, with its line.
func (r *reader) syntax(data []byte, err error) {
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if text, found := strings.CutPrefix(reason, "line "); found {
		number, rest, _ := strings.Cut(text, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, reason = n, rest
		}
	} else if _, text, found := strings.Cut(reason, "unknown anchor '"); found {
		name, _, _ := strings.Cut(text, "'")
		if at := bytes.Index(data, []byte("*"+name)); at >= 0 {
			line = 1 + bytes.Count(data[:at], []byte("\n"))
		}
	}
	r.addf(&node{Line: line}, "", "not YAML: %s: correct the line or the one before it", reason)
}

// plain reports whether a node stands for itself alone.
func (r *reader) plain(n *node, path string) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.addf(n, path, "anchors and aliases are refused: write the value out")
		return false
	}
	return true
}

// mapping is the values of a mapping by key; known are its keys. The map is nil
// where the node is none.
func (r *reader) mapping(n *node, path string, known []string) map[string]*node {
	if !r.plain(n, path) {
		return nil
	}
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		r.addf(n, path, "want a mapping of %s, got %s: write it as {%s: ...}", oneOf(known), describe(n), known[0])
		return nil
	}
	first := make(map[string]int)
	values := make(map[string]*node)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := join(path, keyText(key))
		line, twice := first[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, key.Value):
			r.addf(key, at, "unknown key: %s", suggest(key.Value, known))
		case !r.plain(key, at):
		case twice:
			r.addf(key, at, "the key is in line %d already: keep one", line)
		default:
			first[key.Value] = key.Line
			values[key.Value] = value
			r.lines[at] = key.Line
		}
	}
	return values
}

// keyText is a key as part of a path, short and printable.
func keyText(key *node) string {
	if key.Kind == yaml.ScalarNode && plainName.MatchString(key.Value) && len(key.Value) <= maxQuoted {
		return key.Value
	}
	return quote(key.Value)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// sequence is the items of a list; nil where the node is none.
func (r *reader) sequence(n *node, path string) []*node {
	if !r.plain(n, path) {
		return nil
	}
	if n.Kind != sequenceKind || n.ShortTag() != "!!seq" {
		r.addf(n, path, "want a list, got %s: write it in brackets, as in [a, b]", describe(n))
		return nil
	}
	return n.Content
}

// scalar reports whether a node is a scalar of a tag; want says so to people.
func (r *reader) scalar(n *node, path, tag, want string) bool {
	if !r.plain(n, path) {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != tag {
		r.addf(n, path, "want %s, got %s", want, describe(n))
		return false
	}
	return true
}

// text reads a name; on a fault it leaves the value as it is.
func (r *reader) text(n *node, path string, to *string) bool {
	ok := r.scalar(n, path, textTag, "a name (a number or a word of YAML needs quotes)")
	if ok {
		*to = n.Value
	}
	return ok
}

// integer reads a decimal whole number; on a fault it leaves the value as it is.
func (r *reader) integer(n *node, path string, to *int) bool {
	if !r.scalar(n, path, integerTag, "a whole number") {
		return false
	}
	v, err := strconv.ParseInt(n.Value, 10, 32)
	if err != nil {
		r.addf(n, path, "the number %s is not a decimal of 32 bits: write it as in 32", quote(n.Value))
		return false
	}
	*to = int(v)
	return true
}

// boolean reads true or false; on a fault it leaves the value as it is.
func (r *reader) boolean(n *node, path string, to *bool) {
	const want = "true or false"
	if !r.scalar(n, path, booleanTag, want) {
		return
	}
	v, err := strconv.ParseBool(n.Value)
	if err != nil {
		r.addf(n, path, "want %s, got %s", want, quote(n.Value))
		return
	}
	*to = v
}

// word reads one of some words as its index.
func (r *reader) word(n *node, path string, words []string, to *int) bool {
	if !r.scalar(n, path, textTag, oneOf(words)) {
		return false
	}
	*to = slices.Index(words, n.Value)
	if *to < 0 {
		r.addf(n, path, "unknown value %s: %s", quote(n.Value), suggest(n.Value, words))
		return false
	}
	return true
}

// readEnum reads the value of an enum by its name; a nil node leaves it.
func readEnum[T ~uint8](r *reader, n *node, path string, names []string, to *T) {
	var i int
	if n != nil && r.word(n, path, names, &i) {
		*to = T(i)
	}
}

// choice reads one of two words, of which the second is true; a nil node leaves
// it.
func (r *reader) choice(n *node, path string, names []string, to *bool) {
	var i int
	if n != nil && r.word(n, path, names, &i) {
		*to = i == 1
	}
}

// none reports whether a tier is taken away.
func (r *reader) none(n *node) bool {
	return n.Kind == yaml.ScalarNode && n.Anchor == "" && n.ShortTag() == textTag && n.Value == noneWord
}

// names is a list of names, one per item even where an item is none, so that
// indices stay right.
func (r *reader) names(n *node, path string) []string {
	var names []string
	for i, item := range r.sequence(n, path) {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.lines[at] = item.Line
		var name string
		r.text(item, at, &name)
		names = append(names, name)
	}
	return names
}

// describe says what a node is, to people.
func describe(n *node) string {
	switch tag := n.ShortTag(); {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == sequenceKind:
		return "a list"
	case tag == nullTag:
		return "nothing"
	case tag == textTag:
		return "the text " + quote(n.Value)
	case tag == integerTag || tag == "!!float":
		return "the number " + quote(n.Value)
	default:
		return quote(n.Value)
	}
}
