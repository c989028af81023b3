package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxConfigBytes is the longest configuration file that is read.
const maxConfigBytes = 64 << 10

// configReader reads a YAML file into values, and keeps where they stand. It reads nodes,
// not Go values, because only they know their lines.
type configReader struct {
	path   string
	table  []setting
	values written
	faults []fault
}

// readConfig reads the configuration file of that path and contents. An empty file, or one
// of comments alone, says nothing and is no fault.
func readConfig(path string, data []byte, table []setting) (written, []fault) {
	r := &configReader{path: path, table: table, values: written{}}
	if root := r.document(data); root != nil {
		r.settings(root)
	}
	return r.values, append(r.faults, r.values.tooMany(table)...)
}

// at is where a node of the file is, and the key around it.
func (r *configReader) at(line int, key string) string {
	from := r.path
	if line > 0 {
		from += ":" + strconv.Itoa(line)
	}
	if key != "" {
		from += ": " + key
	}
	return from
}

func (r *configReader) fault(line int, key, format string, args ...any) {
	r.faults = append(r.faults, fault{r.at(line, key), fmt.Sprintf(format, args...)})
}

// document is the root of the only document of the file; nil where it says nothing or is
// at fault.
func (r *configReader) document(data []byte) *yaml.Node {
	if len(data) > maxConfigBytes {
		r.fault(0, "", "the file has more than %d bytes: is it a configuration?", maxConfigBytes)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if err = dec.Decode(&second); err == nil {
			r.fault(second.Line, "", "a second document begins here: keep one")
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		r.syntax(err)
		return nil
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return nil
	}
	return doc.Content[0]
}

// syntax tells what the YAML reader says, with its line where it has one.
func (r *configReader) syntax(err error) {
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if text, ok := strings.CutPrefix(reason, "line "); ok {
		number, rest, _ := strings.Cut(text, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, reason = n, rest
		}
	}
	r.fault(line, "", "this is not YAML: %s: correct the line or the one before it", reason)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// settings reads the keys of the file.
func (r *configReader) settings(root *yaml.Node) {
	if root.Kind != yaml.MappingNode {
		r.fault(root.Line, "", "want lines of the form key: value, got %s", kindText(root))
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		name := key.Value
		k := slices.IndexFunc(r.table, func(s setting) bool { return s.key != "" && s.key == name })
		line, twice := lines[name]
		switch {
		case key.Kind == yaml.ScalarNode && name == "token":
			r.fault(key.Line, name, "a token is not kept in a configuration: put it into a file of its own and name that as token_file")
		case key.Kind != yaml.ScalarNode || k < 0:
			r.unknown(key)
		case twice:
			r.fault(key.Line, name, "the key is in line %d already: keep one", line)
		default:
			lines[name] = key.Line
			r.setting(&r.table[k], key, value)
		}
	}
}

// unknown tells of a key that is none.
func (r *configReader) unknown(key *yaml.Node) {
	var known []string
	for i := range r.table {
		if k := r.table[i].key; k != "" {
			known = append(known, k)
		}
	}
	const longest = 40
	name := key.Value
	if len(name) > longest {
		name = name[:longest] + "..."
	}
	r.fault(key.Line, strconv.Quote(name), "there is no such key%s", suggestion(key.Value, known, "docs/configuration.md lists them"))
}

// setting reads the value of a key.
func (r *configReader) setting(s *setting, key, value *yaml.Node) {
	switch {
	case isNull(value):
		r.fault(key.Line, s.key, "it has no value: write one, or leave the line out")
	case s.list && value.Kind == yaml.SequenceNode:
		r.values[s.flag] = nil // given, if only as an empty list
		for _, item := range value.Content {
			r.value(s, item)
		}
	default:
		r.value(s, value)
	}
}

// value reads one value of a setting.
func (r *configReader) value(s *setting, n *yaml.Node) {
	v := given{from: r.at(n.Line, s.key)}
	switch {
	case n.Kind == yaml.ScalarNode && n.Anchor == "" && !isNull(n):
		v.text = n.Value
	case n.Kind == yaml.MappingNode && s.key == "sources":
		if !r.source(&v, n) {
			return
		}
	default:
		want := "want one value, got %s"
		if s.list {
			want = "want a list of values such as [a, b], got %s"
		}
		r.fault(n.Line, s.key, want, kindText(n))
		return
	}
	r.values[s.flag] = append(r.values[s.flag], v)
}

// source reads a source that is written as {source: SPEC, view: NAME}.
func (r *configReader) source(v *given, n *yaml.Node) bool {
	before := len(r.faults)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		switch {
		case name != "source" && name != "view":
			r.fault(key.Line, "sources: "+strconv.Quote(name), "there is no such key: a source has source and view")
		case seen[name]:
			r.fault(key.Line, "sources: "+name, "the source has this key twice: keep one")
		case value.Kind != yaml.ScalarNode || isNull(value) || value.Value == "" || value.Anchor != "":
			r.fault(key.Line, "sources: "+name, "want a name, got %s", kindText(value))
		case name == "source":
			v.text = value.Value
		default:
			v.view = value.Value
		}
		seen[name] = true
	}
	if !seen["source"] {
		r.fault(n.Line, "sources", "the source is missing: write {source: SPEC, view: NAME}")
	}
	return len(r.faults) == before
}

// kindText says what stands where something else was wanted, without its contents.
func kindText(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return "an anchor or an alias: write the value out"
	case n.Kind == yaml.MappingNode:
		return "keys with values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n) || n.Value == "":
		return "nothing"
	}
	return "a single value"
}
