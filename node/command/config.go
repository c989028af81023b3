package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"ganglion/mesh/secret"
	"ganglion/node"
)

// variablePrefix begins the environment variables of the program.
const variablePrefix = "GANGLION_"

// given is one value of a setting, as somebody wrote it.
type given struct {
	text string
	view string // of a source in a file, beside it
	from string // where it was written: a flag, a variable, or file, line and key
}

// written are the values of settings by flag. A list that was given without a value is
// there and empty.
type written map[string][]given

// fault is one thing that is wrong with what a node was told.
type fault struct {
	from string // where; empty: nowhere in particular
	text string // what, and the way out
}

// tokenLike is what may be a token, or a part of one: no fault repeats it.
var tokenLike = regexp.MustCompile(`(?i)gng[0-9]-[a-z0-9][a-z0-9-]{3,}|\b[a-z2-7]{8}(-[a-z2-7]{1,8}){2,}\b`)

func (f fault) String() string {
	text := f.text
	if f.from != "" {
		text = f.from + ": " + text
	}
	text = strings.ReplaceAll(text, "\n", "; ")
	return tokenLike.ReplaceAllString(text, "(a token, not shown)")
}

// faultsError is all of them: one line each.
func faultsError(faults []fault) error {
	if len(faults) == 0 {
		return nil
	}
	if len(faults) == 1 {
		return usagef("%s", faults[0])
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d faults:", len(faults))
	for _, f := range faults {
		fmt.Fprintf(&text, "\n  %s", f)
	}
	return usagef("%s", text.String())
}

// surroundings are what a node is told from outside, besides its flags.
type surroundings struct {
	environ []string // as [os.Environ] has it
	in      io.Reader
	errs    io.Writer
}

// nodeOptions are what the flags, variables and keys say.
type nodeOptions struct {
	node   node.Config
	log    logOptions
	unread int // sources that were at fault
}

// readNodeOptions reads the configuration of a node: its flags over the environment over
// the file, all over [node.DefaultLAN]. Its error tells every fault.
func readNodeOptions(args []string, around surroundings) (o nodeOptions, help bool, err error) {
	table := settings()
	flags, help, faults := readFlags(args, table)
	if help {
		return nodeOptions{}, true, nil
	}
	variables, token, more := readVariables(around.environ, table)
	faults = append(faults, more...)
	file, more := openConfigFile(flags, variables, table)
	faults = append(faults, more...)

	values := overlay(file, variables, flags)
	faults = append(faults, values.resolveToken(flags, variables, token, around)...)
	o, more = values.apply(table, nil)
	faults = append(faults, more...)
	faults = append(faults, values.validate(table, &o)...)
	return o, false, faultsError(faults)
}

// overlay is all values, each setting's from the last that has it.
func overlay(from ...written) written {
	all := written{}
	for _, some := range from {
		for flag, values := range some {
			all[flag] = slices.Clone(values)
		}
	}
	return all
}

// apply reads the values over the defaults, in the order of the table, all but skip.
func (w written) apply(table []setting, skip *given) (nodeOptions, []fault) {
	o := nodeOptions{node: node.DefaultLAN(), log: defaultLog()}
	var faults []fault
	if _, ok := w[stateFlag]; !ok {
		dir, err := defaultState(os.Getenv)
		if err != nil {
			faults = append(faults, fault{text: err.Error()})
		}
		o.node.Dir = dir
	}
	for i := range table {
		s := &table[i]
		values, ok := w[s.flag]
		if !ok || s.read == nil {
			continue
		}
		kept := make([]given, 0, len(values))
		for k := range values {
			if &values[k] != skip {
				kept = append(kept, values[k])
			}
		}
		if len(kept) < len(values) && len(kept) == 0 {
			continue // the only value is left out: as if the setting were not given
		}
		if !s.list {
			kept = kept[max(0, len(kept)-1):] // the last flag counts
		}
		faults = append(faults, s.read(&o, kept)...)
	}
	return o, faults
}

// validate tells the faults of a configuration that can be read, each with the values
// without which it would not be there: the rules are package node's alone.
func (w written) validate(table []setting, o *nodeOptions) []fault {
	texts := checkNode(&o.node)
	if len(texts) == 0 {
		return nil
	}
	from := make([][]string, len(texts))
	for i := range table {
		values := w[table[i].flag]
		for k := range values {
			without, _ := w.apply(table, &values[k])
			remain := checkNode(&without.node)
			for n, text := range texts {
				if !slices.Contains(remain, text) && !slices.Contains(from[n], values[k].from) {
					from[n] = append(from[n], values[k].from)
				}
			}
		}
	}
	faults := make([]fault, len(texts))
	for n, text := range texts {
		const most = 3
		if len(from[n]) > most {
			from[n] = append(from[n][:most], "others")
		}
		faults[n] = fault{strings.Join(from[n], " and "), text}
	}
	return faults
}

// checkNode is every fault of a configuration, its name included, which the node itself
// hands to the mesh later.
func checkNode(c *node.Config) []string {
	whole := *c
	whole.Mesh.Name = c.Name
	var texts []string
	for _, text := range leaves(whole.Validate()) {
		if !slices.Contains(texts, text) { // a name that is there three times is told once
			texts = append(texts, text)
		}
	}
	return texts
}

// leaves are the texts of the errors that were joined into one, without what was said
// around them.
func leaves(err error) []string {
	if err == nil {
		return nil
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		joined, ok := inner.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		var texts []string
		for _, one := range joined.Unwrap() {
			texts = append(texts, leaves(one)...)
		}
		return texts
	}
	return []string{err.Error()}
}

// resolveToken puts the text of the token in the place of the name of its file.
func (w written) resolveToken(flags, variables written, token *given, around surroundings) []fault {
	named, isFile := w[tokenFileFlag]
	_, byFlag := flags[tokenFileFlag]
	if second, twice := variables[tokenFileFlag]; token != nil && twice && !byFlag {
		delete(w, tokenFileFlag)
		return []fault{{token.from + " and " + second[0].from, "there are two tokens: give one of them"}}
	}
	delete(w, tokenFileFlag)
	var (
		from string
		t    secret.Token
		err  error
	)
	switch {
	case token != nil && !byFlag:
		from = token.from
		t, err = secret.ParseToken(token.text)
	case isFile && named[len(named)-1].text != "":
		last := named[len(named)-1]
		from = last.from
		t, err = readTokenFile(last.text, around)
	default:
		return nil
	}
	if err != nil {
		return []fault{{from, err.Error()}}
	}
	w[tokenFileFlag] = []given{{text: t.Reveal(), from: from}}
	return nil
}

// openConfigFile reads the configuration file, if one is named.
func openConfigFile(flags, variables written, table []setting) (written, []fault) {
	named := overlay(variables, flags)[configFlag]
	if len(named) == 0 || named[len(named)-1].text == "" {
		return nil, nil
	}
	last := named[len(named)-1]
	f, err := os.Open(last.text)
	if err != nil {
		return nil, []fault{{last.from, err.Error()}}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	if err != nil {
		return nil, []fault{{last.from, err.Error()}}
	}
	return readConfig(last.text, data, table)
}
