package command

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConfigFileFaults shows each with its line: a file that is refused as a whole is not
// mended.
func TestConfigFileFaults(t *testing.T) {
	tests := []struct {
		name string
		file string
		want string // faults, one a line
	}{
		{"nothing", "", ""},
		{"comments alone", "# name: x\n", ""},
		{"a null", "~\n", ""},
		{"not YAML", "name: x\nsite: [\n", "f:2: this is not YAML: did not find expected node content: correct the line or the one before it"},
		{"two documents", "name: x\n---\nsite: y\n", "f:2: a second document begins here: keep one"},
		{"a list", "- name\n", "f:1: want lines of the form key: value, got a list"},
		{"a word", "street\n", "f:1: want lines of the form key: value, got a single value"},
		{"a flag's spelling", "name: x\nbeacon-port: 1\n", `f:2: "beacon-port": there is no such key: did you mean beacon_port?`},
		{"a key of capitals", "Name: x\n", `f:1: "Name": there is no such key: did you mean name?`},
		{"a key like none", "colour: red\n", `f:1: "colour": there is no such key: docs/configuration.md lists them`},
		{"a merge", "<<: {name: x}\n", `f:1: "<<": there is no such key: docs/configuration.md lists them`},
		{"a key twice", "name: x\n\nname: y\n", "f:3: name: the key is in line 1 already: keep one"},
		{"no value", "name: x\nsite:\n", "f:2: site: it has no value: write one, or leave the line out"},
		{"a list for one value", "name:\n  - x\n", "f:2: name: want one value, got a list"},
		{"keys for one value", "site: {name: x}\n", "f:1: site: want one value, got keys with values"},
		{"keys in a list", "join: [a, {b: c}]\n", "f:1: join: want a list of values such as [a, b], got keys with values"},
		{"nothing in a list", "join:\n- a\n-\n", "f:3: join: want a list of values such as [a, b], got nothing"},
		{"an anchor", "name: &x a\nsite: *x\n", "f:1: name: want one value, got an anchor or an alias: write the value out\nf:2: site: want one value, got an anchor or an alias: write the value out"},
		{"a source without one", "sources:\n- view: a\n", "f:2: sources: the source is missing: write {source: SPEC, view: NAME}"},
		{"a source with more", "sources:\n- source: a\n  rate: 3\n", `f:3: sources: "rate": there is no such key: a source has source and view`},
		{"a source twice", "sources:\n- source: a\n  source: b\n", "f:3: sources: source: the source has this key twice: keep one"},
		{"a source of several", "sources:\n- source: [a]\n", "f:2: sources: source: want a name, got a list"},
		{"too long", "# " + strings.Repeat("x", maxConfigBytes), fmt.Sprintf("f: the file has more than %d bytes: is it a configuration?", maxConfigBytes)},
		{"too many", "join: [" + strings.Repeat("a, ", maxValues+1) + "]\n", fmt.Sprintf("f:1: join: %d values are too many: give at most %d", maxValues+1, maxValues)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, faults := readConfig("f", []byte(tt.file), settings())
			var got []string
			for _, f := range faults {
				got = append(got, f.String())
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestConfigFileValues shows where each value of a list stands: that is what its fault
// names.
func TestConfigFileValues(t *testing.T) {
	got, faults := readConfig("f", []byte(`name: 12
join:
  - a
  - b, c
sources:
  - street
  - source: cam/
    view: 3
eligible: []
interfaces: lo
`), settings())
	want := written{
		"name":      {{text: "12", from: "f:1: name"}},
		"join":      {{text: "a", from: "f:3: join"}, {text: "b, c", from: "f:4: join"}},
		"source":    {{text: "street", from: "f:6: sources"}, {text: "cam/", view: "3", from: "f:7: sources"}},
		"eligible":  nil,
		"interface": {{text: "lo", from: "f:10: interfaces"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(given{})); diff != "" || len(faults) > 0 {
		t.Errorf("faults %v, (-want +got)\n%s", faults, diff)
	}
}

// FuzzReadConfig looks for a file that crashes the reader, or whose faults stand in no
// line of it.
func FuzzReadConfig(f *testing.F) {
	for _, text := range []string{
		"", "name: x\nsite: y", "sources: [{source: street, view: 1}, cam/]", "join:\n- a\n-\n", "- a", "? [a]\n: b", "{name: &a [*a]}", "a: b: c",
		"%YAML 1.2\n---\nname: x\n...\n", "<<: *x", "name: !!binary aGk=", "name: \"\\x00\"", "\xff", "run:\n", "port: 1\nport: 2", "eligible: []",
	} {
		f.Add([]byte(text))
	}
	table := settings()
	place := regexp.MustCompile(`^f(?::(\d+))?(?:: |$)`)
	f.Fuzz(func(t *testing.T, data []byte) {
		values, faults := readConfig("f", data, table)
		lines := 1 + strings.Count(string(data), "\n") + strings.Count(string(data), "\r") +
			strings.Count(string(data), "\u0085") + strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029")
		inside := func(from string) {
			found := place.FindStringSubmatch(from)
			if found == nil {
				t.Fatalf("%q names no place in the file", from)
			}
			if n, _ := strconv.Atoi(found[1]); n > lines+1 {
				t.Errorf("%q is behind the file, which has %d lines", from, lines)
			}
		}
		for _, fault := range faults {
			inside(fault.from)
			if text := fault.String(); strings.Contains(text, "\n") {
				t.Errorf("a fault of more than one line: %q", text)
			}
		}
		for flag, list := range values {
			i := slices.IndexFunc(table, func(s setting) bool { return s.flag == flag })
			if i < 0 || !table[i].list && len(list) > 1 {
				t.Errorf("%d values of %q", len(list), flag)
			}
			for _, v := range list {
				inside(v.from)
			}
		}
	})
}
