package command

import (
	"fmt"
	"slices"
	"strings"

	"ganglion/inference/onnx/onnxruntime"
	"ganglion/inference/spelling"
)

// maxValues is the most values that one list may have: more than any list allows, and few
// enough that each can be looked at.
const maxValues = 128

// tokenVariable holds the text of the mesh's token.
const tokenVariable = variablePrefix + "TOKEN"

// foreignVariables begin with the program's prefix and are no settings of a node: packages
// that are not configured here, and tests, read them.
func foreignVariables() []string {
	return []string{onnxruntime.EnvLibrary, variablePrefix + "DATA", variablePrefix + "RUN_DIR"}
}

// readFlags reads the flags of the command line. It reads on behind a fault, which the
// library of the other verbs does not, so that all are told at once.
func readFlags(args []string, table []setting) (values written, help bool, faults []fault) {
	values = written{}
	byFlag := func(arg string) *setting {
		name, ok := strings.CutPrefix(arg, "--")
		i := slices.IndexFunc(table, func(s setting) bool { return s.flag == name })
		if !ok || i < 0 {
			return nil
		}
		return &table[i]
	}
	secret := false // a token may be among what follows
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, text, assigned := strings.Cut(arg, "=")
		s := byFlag(name)
		switch {
		case name == "--help" || name == "-h":
			return nil, true, nil
		case name == "--token":
			secret = true
			faults = append(faults, fault{"--token", "a token is not taken from the command line, where every user of the machine and the shell's history see it: " +
				"put it into a file for --token-file FILE, pipe it to --token-file -, or set " + tokenVariable})
			if !assigned && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				args = args[1:]
			}
		case s == nil && strings.HasPrefix(arg, "-") && arg != "-":
			faults = append(faults, unknownFlag(name, table))
			if !assigned && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				args = args[1:]
			}
		case s == nil:
			if !secret {
				faults = append(faults, fault{text: fmt.Sprintf("unexpected argument %q: a node takes flags alone", arg)})
			}
		case assigned:
			values.add(s, text, name)
		case s.value == "":
			values.add(s, "true", name)
		case len(args) == 0 || byFlag(args[0]) != nil:
			faults = append(faults, fault{name, "it needs a value: write " + name + " " + s.value})
		default:
			values.add(s, args[0], name)
			args = args[1:]
		}
	}
	return values, false, append(faults, values.tooMany(table)...)
}

func unknownFlag(name string, table []setting) fault {
	var known []string
	for i := range table {
		known = append(known, "--"+table[i].flag)
	}
	return fault{name, "there is no such flag" + suggestion(name, known, "`ganglion node --help` lists them")}
}

// add appends a value, or the values of a list with commas between.
func (w written) add(s *setting, text, from string) {
	if !s.list {
		w[s.flag] = append(w[s.flag], given{text: text, from: from})
		return
	}
	if _, ok := w[s.flag]; !ok {
		w[s.flag] = nil // given, if only as an empty list
	}
	for part := range strings.SplitSeq(text, s.between) {
		if part = strings.TrimSpace(part); part != "" {
			w[s.flag] = append(w[s.flag], given{text: part, from: from})
		}
	}
}

// tooMany cuts lists that nobody means, and tells of them.
func (w written) tooMany(table []setting) []fault {
	var faults []fault
	for i := range table {
		flag := table[i].flag
		if n := len(w[flag]); n > maxValues && table[i].list {
			faults = append(faults, fault{w[flag][0].from, fmt.Sprintf("%d values are too many: give at most %d", n, maxValues)})
			w[flag] = w[flag][:maxValues]
		}
	}
	return faults
}

// readVariables reads the environment. The token is apart: it is a text, not a file.
func readVariables(environ []string, table []setting) (values written, token *given, faults []fault) {
	values = written{}
	environ = slices.Sorted(slices.Values(environ)) // the order of faults
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, variablePrefix) || slices.Contains(foreignVariables(), name) {
			continue
		}
		if name == tokenVariable {
			token = &given{text: text, from: name}
			continue
		}
		i := slices.IndexFunc(table, func(s setting) bool { return s.variable() == name })
		if i < 0 {
			known := []string{tokenVariable}
			for k := range table {
				known = append(known, table[k].variable())
			}
			faults = append(faults, fault{name, "no setting has this variable" + suggestion(name, known, "unset it")})
			continue
		}
		values.add(&table[i], text, name)
	}
	return values, token, append(faults, values.tooMany(table)...)
}

// suggestion names what is nearest to a word that is not known, or else says what to do.
func suggestion(word string, known []string, otherwise string) string {
	const most = 2 // letters that may differ
	i := spelling.NearestFold(word, known, most)
	if i < 0 {
		return ": " + otherwise
	}
	return ": did you mean " + known[i] + "?"
}
